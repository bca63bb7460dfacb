"""The picture of performance over time.

Belongs here: one figure. Does not belong here: the frame that all figures share (``ml.figures``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ml.drift.judged import Realised
from ml.drift.reference import Reference
from ml.figures import COLOURS, FAINT, frame

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def realised_ranking(realised: Sequence[Realised], reference: Reference, name: str) -> Figure:
    """AUC or Gini of each judged as-of with its 95 % interval, and the backtest of the model that serves as a line."""
    figure, (axes,) = frame(7, 3.2)
    days: list[Any] = [one.as_of for one in realised]
    backtest, error = reference.backtest.ranking, 1.96 * reference.backtest.ranking_error
    axes.axhspan(backtest - error, backtest + error, color=FAINT, alpha=0.35, linewidth=0)
    axes.axhline(backtest, color=COLOURS[2], linewidth=1.3, linestyle="--", label="backtest of the model that serves")
    axes.errorbar(
        days, [one.judged.ranking for one in realised], yerr=[1.96 * one.judged.ranking_error for one in realised],
        color=COLOURS[0], marker="o", markersize=4, linewidth=1.6, label=f"{name} of what then happened",
    )  # fmt: skip
    axes.set(ylabel=name, xlabel="as-of", xlim=(days[0] - timedelta(10), days[-1] + timedelta(10)))
    axes.tick_params(axis="x", rotation=30)
    axes.legend(frameon=False, loc="best")
    return figure
