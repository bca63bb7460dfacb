"""Pictures of a backtest: against what it was held, what it is made of, for whom it works.

Belongs here: figures for people, drawn without a screen. Does not belong here: metrics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ml.recommender.backtest import Backtest
from ml.recommender.blend import HISTORY_STEPS
from ml.recommender.metrics import LENGTHS
from ml.recommender.model import RecommenderModel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"model": "#1f4e79", "personal_popularity": "#d9822b", "popularity": "#8a8f98", "champion": "#4c9f70"}
LABELS = {"model": "this model", "personal_popularity": "own favourites, then popular", "popularity": "popular",
          "champion": "champion"}  # fmt: skip
SHADES = ("#1f4e79", "#4c78a8", "#d9822b", "#f2b36b", "#8a8f98", "#4c9f70", "#b07aa1", "#c0c4cc", "#e15759", "#76b7b2")


def draw(backtest: Backtest, model: RecommenderModel) -> dict[str, Figure]:
    """One figure by file name."""
    return {
        "recall.png": recall(backtest),
        "history.png": by_history(backtest),
        "weights.png": weights(model),
        "generators.png": generators(backtest, model),
    }


def recall(backtest: Backtest) -> Figure:
    """Recall by length of the list, all purchases, those of known items, those of new ones."""
    figure, axes = _figure(11, 4.2, columns=3)
    first = next(iter(backtest.hits.values()))
    kinds = {"all": None, "bought before": first.is_repeat, "new to the customer": ~first.is_repeat}
    for place, (title, kind) in zip(axes, kinds.items(), strict=True):
        for name in (name for name in LABELS if name in backtest.hits):
            values = [np.nanmean(backtest.hits[name].recall(length, kind)) for length in LENGTHS]
            place.plot(LENGTHS, values, marker="o", color=COLOURS[name], label=LABELS[name])
        place.set(title=f"Purchases: {title}", xlabel="length of the list", xticks=LENGTHS)
        place.set_ylim(bottom=0)
    axes[0].set_ylabel(f"recall, {backtest.customers:,} customers")
    figure.legend(*axes[0].get_legend_handles_labels(), frameon=False, loc="outside lower center", ncols=len(LABELS))
    return figure


def by_history(backtest: Backtest) -> Figure:
    """Recall at 10 by how much the customers had bought before."""
    figure, (axes,) = _figure(7.5, 4.2)
    groups = np.arange(len(HISTORY_STEPS) + 1)
    names = [name for name in LABELS if name in backtest.hits]
    for number, name in enumerate(names):
        values = backtest.hits[name].recall(10)
        own = [values[backtest.groups == group] for group in groups]
        means = [float(part.mean()) if len(part) else 0.0 for part in own]
        errors = [1.96 * float(part.std()) / len(part) ** 0.5 if len(part) else 0.0 for part in own]
        shift = (number - (len(names) - 1) / 2) * 0.8 / len(names)
        axes.bar(groups + shift, means, 0.8 / len(names), yerr=errors, color=COLOURS[name], label=LABELS[name],
                 error_kw={"linewidth": 0.8})  # fmt: skip
    sizes = np.bincount(backtest.groups, minlength=len(groups))
    ticks = [f"{name}\n{size:,}" for name, size in zip(_group_names(), sizes, strict=True)]
    axes.set(ylabel="recall at 10", xlabel="items bought before; customers", title="For whom it works")
    axes.set_xticks(groups, ticks)
    axes.legend(frameon=False)
    return figure


def weights(model: RecommenderModel) -> Figure:
    """What each generator counts, by how much a customer has bought."""
    figure, (axes,) = _figure(8.5, 4.2)
    groups, bottom = np.arange(len(HISTORY_STEPS) + 1), np.zeros(len(HISTORY_STEPS) + 1)
    for number, name in enumerate(model.generators):
        values = model.blend.weights[:, number]
        axes.bar(groups, values, bottom=bottom, color=SHADES[number % len(SHADES)], label=name.replace("_", " "))
        bottom += values
    axes.set(ylabel="weight", xlabel="items bought before", title="What the generators count", ylim=(0, 1))
    axes.set_xticks(groups, _group_names())
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def generators(backtest: Backtest, model: RecommenderModel) -> Figure:
    """Recall at 10 of each generator by itself beside that of their blend."""
    figure, (axes,) = _figure(7.5, 4.2)
    names = ["model", "personal_popularity", "popularity", *model.generators]
    means = np.array([backtest.hits[name].recall(10).mean() for name in names])
    order = np.argsort(means, kind="stable")
    labels = [LABELS.get(name, name.replace("_", " ")) for name in names]
    axes.barh([labels[k] for k in order], means[order], color=[COLOURS.get(names[k], "#b9cbe0") for k in order])
    for row, k in enumerate(order):
        axes.text(means[k], row, f" {means[k]:.3f}", va="center", fontsize=8, color="#4a4f57")
    axes.set(xlabel="recall at 10", title="Each generator by itself", xlim=(0, float(means.max()) * 1.15 or 1))
    return figure


def _group_names() -> list[str]:
    bounds = [0, *HISTORY_STEPS]
    ends = [*(step - 1 for step in HISTORY_STEPS), None]
    return [
        f"{low}+" if high is None else str(low) if low == high else f"{low}-{high}"
        for low, high in zip(bounds, ends, strict=True)
    ]


def _figure(width: float, height: float, *, columns: int = 1) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    axes = figure.subplots(1, columns, squeeze=False).ravel().tolist()
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
        one.grid(color="#eceef1", linewidth=0.8)
        one.set_axisbelow(True)
    return figure, axes
