"""Pictures of a value backtest: do amounts come true, does it rank, is the level right, what does it look at.

Belongs here: figures for people, drawn without a screen. Does not belong here: metrics (``ml.amounts``), and where
pictures are kept (``ml.registry``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml.amounts import deciles, gain_curve, gini
from ml.evaluation import groups, tie_ends
from ml.figures import COLOURS, FAINT, dependence, frame, importance
from ml.value.backtest import Backtest
from ml.value.training import TrainingResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMES = ("model", "frequency_x_value", "pareto_nbd_gamma_gamma", "champion")
STYLES = dict(zip(NAMES, COLOURS, strict=True))
LABELS = {
    "model": "this model",
    "historical_average": "historical average",
    "frequency_x_value": "frequency x value",
    "pareto_nbd_gamma_gamma": "Pareto/NBD x gamma-gamma",
    "champion": "champion",
}


def draw(result: TrainingResult) -> dict[str, Figure]:
    """One figure by file name, such as ``deciles.png``."""
    return {
        "deciles.png": by_decile(result.backtest),
        "gain.png": gain(result.backtest),
        "level.png": level(result),
        "importance.png": importance(result.model.names, result.model.spend.trees.gains()),
        "dependence.png": dependence(result.dependences, "the logarithm of spend, beyond what repeat purchase says"),
    }


def by_decile(backtest: Backtest) -> Figure:
    """What was predicted and what was spent, in ten equal groups; below, how many fell within the interval."""
    figure, (above, below) = frame(7, 6.4, rows=2, heights=(3, 1))
    happened, expected, _ = deciles(backtest.y, backtest.predictions["model"])
    places = np.arange(1, len(happened) + 1)
    above.bar(places - 0.2, expected, width=0.4, color=COLOURS[0], label="predicted")
    above.bar(places + 0.2, happened, width=0.4, color=COLOURS[1], label="spent")
    above.set_yscale("symlog", linthresh=max(float(happened.max()) / 1000, 1e-3))
    above.set(ylabel="net spend per customer", title=_title("Predicted and spent", backtest), xticks=places)
    above.legend(frameon=False, loc="upper left")
    inside = (backtest.y >= backtest.low) & (backtest.y <= backtest.high)
    group = groups(backtest.predictions["model"])
    covered = [float(inside[group == k].mean()) for k in np.unique(group)]
    below.bar(places, covered, width=0.6, color=COLOURS[3])
    below.axhline(0.8, color=FAINT, linestyle="--")
    below.set(ylim=(0, 1), xticks=places, xlabel="tenth of customers by prediction", ylabel="within interval")
    return figure


def gain(backtest: Backtest) -> Figure:
    """How much of all spend the customers with the highest predictions brought; against picking them blindly."""
    figure, (axes,) = frame(6, 5.2)
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle="--")
    for name in (*(n for n in NAMES if n in backtest.predictions), "perfect"):
        rows = backtest.judged.where(name) if name in LABELS else backtest.judged
        p = rows.said.get(name, rows.y)
        order = np.argsort(-p, kind="stable")
        share, found = gain_curve(rows.y[order], np.ones(len(p)), tie_ends(p[order]))
        told = f"{LABELS[name]}, gini {gini(rows.y, p):.3f}" if name in LABELS else "perfect ranking"
        width = 2.2 if name == "model" else 1.2
        axes.plot(share, found, color=STYLES.get(name, FAINT), linewidth=width, label=told)
    axes.set(xlabel="customers, highest prediction first", ylabel="share of net spend", xlim=(0, 1), ylim=(0, 1.01))
    axes.set_title(_title("Gain", backtest))
    axes.legend(frameon=False, loc="lower right")
    return figure


def level(result: TrainingResult) -> Figure:
    """By snapshot: what was spent, the model's own sum, and what another forecast says of it."""
    days = list(result.levels)
    figure, (above, below) = frame(8, 6, rows=2, heights=(2, 1))
    happened, own, forecast = np.array(list(result.levels.values())).T
    forecast_of = "models of repeat purchase" if result.model.spend.base else "last year's season times growth"
    for values, told, colour in (
        (happened, "spent", COLOURS[1]),
        (own, "the model's own sum", COLOURS[0]),
        (forecast, forecast_of, COLOURS[3]),
    ):
        above.plot(days, values, marker="o", markersize=4, color=colour, label=told)  # type: ignore[arg-type]
    above.set(ylabel="net spend of all", ylim=(0, None), title="Level by snapshot (the model has learned from these)")
    above.legend(frameon=False, loc="lower right")
    below.axhline(0, color=FAINT)
    below.bar(days, own / np.maximum(happened, 1e-12) - 1, width=9, color=COLOURS[0], align="edge")  # type: ignore[arg-type]
    below.bar(days, forecast / np.maximum(happened, 1e-12) - 1, width=-9, color=COLOURS[3], align="edge")  # type: ignore[arg-type]
    below.set(ylabel="predicted / spent - 1", xlabel="snapshot")
    figure.autofmt_xdate()
    return figure


def _title(what: str, backtest: Backtest) -> str:
    first, last = backtest.dates[0], backtest.dates[-1]
    return f"{what}: {len(backtest.y):,} rows at {len(backtest.dates)} dates, {first} to {last}"
