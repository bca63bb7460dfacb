"""Pictures of a backtest: is it calibrated, does it rank, what does it look at.

Belongs here: figures for people, drawn without a screen. Does not belong here: metrics (``ml.evaluation``), and
where pictures are kept (``ml.registry``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.churn.training import Backtest, TrainingResult
from ml.evaluation import Floats, auc, reliability
from ml.figures import dependence, frame, importance

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"model": "#1f4e79", "logistic": "#d9822b", "champion": "#4c9f70", "mbg_nbd": "#a05195"}
LABELS = {"model": "this model", "logistic": "logistic regression", "champion": "champion", "mbg_nbd": "MBG/NBD"}
HIDDEN = ("bg_nbd", "pareto_nbd")
"""Their curves lie on that of their sister."""
RULE_COLOUR = "#8a8f98"
"""Of what is neither: the simple rule (``ml.churn.rules``) alone, by its name."""


def draw(result: TrainingResult) -> dict[str, Figure]:
    """One figure by file name, such as ``calibration.png``."""
    backtest, model = result.backtest, result.model
    return {
        "calibration.png": calibration(backtest),
        "roc_precision_recall.png": roc_and_precision_recall(backtest),
        "gain_lift.png": gain_and_lift(backtest),
        "importance.png": importance(model.names, model.trees.gains()),
        "dependence.png": dependence(result.dependences, "the log-odds of churn"),
    }


def calibration(backtest: Backtest) -> Figure:
    """Observed rate against predicted probability in ten equal groups, with how customers are spread."""
    figure, (above, below) = frame(6, 6.4, rows=2, heights=(4, 1))
    above.plot([0, 1], [0, 1], color="#c0c4cc", linewidth=1, linestyle="--")
    for name, y, p in _shown(backtest):
        mean, rate, size = reliability(y, p)
        error = 1.96 * np.sqrt(rate * (1 - rate) / size) if name == "model" else None
        above.errorbar(mean, rate, yerr=error, marker="o", markersize=4, **_style(name))
    above.set(xlim=(0, 1), ylim=(0, 1), ylabel="churned", title=_title("Calibration", backtest))
    above.legend(frameon=False, loc="upper left")
    below.hist(backtest.probabilities["model"], bins=np.linspace(0, 1, 41).tolist(), color=COLOURS["model"])
    below.set(xlim=(0, 1), xlabel="predicted probability of churn", ylabel="customers")
    return figure


def roc_and_precision_recall(backtest: Backtest) -> Figure:
    """Who is found, at the price of how many false alarms."""
    figure, (roc, precision) = frame(10, 4.8, columns=2)
    roc.plot([0, 1], [0, 1], color="#c0c4cc", linewidth=1, linestyle="--")
    for name, y, p in _shown(backtest):
        found, alarms, share = _cumulated(y, p)
        roc.plot(alarms, found, **{**_style(name), "label": f"{_label(name)}, AUC {auc(y, p):.3f}"})
        precision.plot(found[1:], found[1:] * y.mean() / share[1:], **_style(name))
    precision.axhline(backtest.y.mean(), color="#c0c4cc", linewidth=1, linestyle="--")
    roc.set(xlabel="stayers alarmed", ylabel="churners found", title=_title("ROC", backtest), xlim=(0, 1), ylim=(0, 1))
    precision.set(
        xlabel="churners found",
        ylabel="churners among the alarmed",
        title="Precision and recall",
        ylim=(0, 1.02),
        xlim=(0, 1),
    )
    roc.legend(frameon=False, loc="lower right")
    return figure


def gain_and_lift(backtest: Backtest) -> Figure:
    """What reaching a share of customers, riskiest first, finds; against picking them blindly."""
    figure, (gain, lift) = frame(10, 4.8, columns=2)
    gain.plot([0, 1], [0, 1], color="#c0c4cc", linewidth=1, linestyle="--")
    lift.axhline(1, color="#c0c4cc", linewidth=1, linestyle="--")
    for name, y, p in _shown(backtest):
        found, _, share = _cumulated(y, p)
        enough = share >= 0.01
        gain.plot(share, found, **_style(name))
        lift.plot(share[enough], found[enough] / share[enough], **_style(name))
    gain.set(
        xlabel="customers reached, riskiest first",
        ylabel="churners found",
        title=_title("Gain", backtest),
        xlim=(0, 1),
        ylim=(0, 1),
    )
    lift.set(
        xlabel="customers reached, riskiest first",
        ylabel="times better than picking blindly",
        title="Lift",
        xlim=(0, 1),
    )
    gain.legend(frameon=False, loc="lower right")
    return figure


def _shown(backtest: Backtest) -> Iterator[tuple[str, Floats, Floats]]:
    """Name, outcomes and probabilities of each model that is drawn, on the rows of which it says something."""
    for name in backtest.probabilities:
        if name not in HIDDEN:
            rows = backtest.judged.where(name)
            yield name, rows.y, rows.said[name]


def _cumulated(y: Floats, p: Floats) -> tuple[Floats, Floats, Floats]:
    """Share of churners, of stayers and of all, down the ranking; ties are passed in one step."""
    order = np.argsort(-p, kind="stable")
    last = np.append(np.flatnonzero(np.diff(p[order])), len(p) - 1)
    found, alarms = np.cumsum(y[order])[last], np.cumsum(1 - y[order])[last]
    start = np.zeros(1)
    parts = found / max(y.sum(), 1), alarms / max((1 - y).sum(), 1), (last + 1) / len(p)
    found_share, alarm_share, share = (np.concatenate([start, part]) for part in parts)
    return found_share, alarm_share, share


def _style(name: str) -> dict[str, Any]:
    front = name == "model"
    return {
        "color": COLOURS.get(name, RULE_COLOUR),
        "label": _label(name),
        "linewidth": 2.2 if front else 1.3,
        "zorder": 3 if front else 2,
    }


def _title(what: str, backtest: Backtest) -> str:
    first, last = backtest.dates[0], backtest.dates[-1]
    return f"{what}: {len(backtest.y):,} rows at {len(backtest.dates)} dates, {first} to {last}"


def _label(name: str) -> str:
    return LABELS.get(name, f"{name} alone")
