"""Pictures for people, drawn without a screen: the frame that all of a model's figures share.

Belongs here: axes, and what every model shows alike. Does not belong here: what one model shows (``ml.churn.plots``,
``ml.value.plots``).
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from ml.dependence import Dependence
from ml.evaluation import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#1f4e79", "#d9822b", "#8a8f98", "#4c9f70")
FAINT = "#c0c4cc"
SHOWN_FEATURES = 15


def frame(
    width: float, height: float, *, rows: int = 1, columns: int = 1, heights: tuple[float, ...] | None = None
) -> tuple[Figure, list[Axes]]:
    """A figure and its axes, row by row."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, height_ratios=heights).ravel().tolist()
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
        one.grid(color="#eceef1", linewidth=0.8)
        one.set_axisbelow(True)
    return figure, axes


def png(figure: Figure) -> bytes:
    """The picture as a file; drawing takes most of a second, so everybody shows the same bytes."""
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def pngs(figures: Mapping[str, Figure]) -> dict[str, bytes]:
    """Pictures by the names of their figures."""
    return {name: png(figure) for name, figure in figures.items()}


def importance(names: Sequence[str], gains: Floats) -> Figure:
    """Share of the trees' gain by feature, the largest on top."""
    order = np.argsort(-gains, kind="stable")[:SHOWN_FEATURES][::-1]
    figure, (axes,) = frame(7, 5)
    axes.barh([names[k] for k in order], gains[order], color=COLOURS[0], height=0.7)
    for row, k in enumerate(order):
        axes.text(gains[k], row, f" {gains[k]:.1%}", va="center", fontsize=8, color="#4a4f57")
    axes.set(xlabel="share of the trees' gain", title="What the model looks at", xlim=(0, gains.max() * 1.15 or 1))
    return figure


def dependence(curves: Sequence[Dependence], says: str) -> Figure:
    """What each leading feature adds at each of its values; the band holds eight of ten customers.

    ``says`` names what is added to, such as ``log-odds of churn``.
    """
    figure, axes = frame(10, 6.4, rows=2, columns=3)
    for one, curve in zip_longest(axes, curves):
        if curve is None:
            one.set_visible(False)
            continue
        one.fill_between(curve.values, curve.low, curve.high, color=COLOURS[0], alpha=0.15, linewidth=0)
        one.plot(curve.values, curve.mean, color=COLOURS[0], linewidth=1.8)
        one.axhline(0, color=FAINT, linewidth=1)
        if np.isfinite(curve.unknown):
            one.axhline(curve.unknown, color=COLOURS[1], linewidth=1, linestyle="--", label="not known")
            one.legend(frameon=False, fontsize=8)
        one.set_xlabel(curve.feature.replace("_", " "))
    figure.supylabel(f"adds to {says}")
    return figure
