"""Numbers of a comparison: accuracy with intervals, repeat and explore apart, cold customers and items, and what it is
that gets shown.

Belongs here: figures. Does not belong here: words and tables (``report``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml.bootstrap import Difference, paired_means
from ml.recommender.evaluation.compare import SHOWN, Comparison, Judgement
from ml.recommender.metrics import Hits
from ml.recommender.sparse import Ints

COLD = ((0, 0), (1, 1), (2, 4), (5, None))
"""Interactions known of a customer, or of an item by as many customers: first and last of each group."""


@dataclass(frozen=True)
class Figure:
    """A mean over customers with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


def accuracy(hits: Hits, lengths: Sequence[int], *, seed: int) -> dict[str, Figure]:
    """Recall and NDCG of each length."""
    found = {}
    for length in lengths:
        for name, values in (("recall", hits.recall(length)), ("ndcg", hits.ndcg(length))):
            drawn = paired_means(values, np.zeros_like(values), seed=seed)
            found[f"{name}@{length}"] = Figure(drawn.value, drawn.low, drawn.high)
    return found


def kinds(hits: Hits, length: int) -> dict[str, float]:
    """Recall of what was bought before, and of what was new; NaN where there was none."""
    out = {}
    for name, kind in (("repeat", hits.is_repeat), ("explore", ~hits.is_repeat)):
        values = hits.recall(length, kind)
        out[f"{name}_recall@{length}"] = float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
    return out


def gain(ours: Hits, other: Hits, length: int, *, seed: int, new_only: bool = False) -> Difference:
    """Difference in recall on the same customers, drawn in pairs; ``new_only``: of what was new to who bought it."""
    kind = ~ours.is_repeat if new_only else None
    mine, theirs = ours.recall(length, kind), other.recall(length, kind)
    there = np.isfinite(mine)
    if not there.any():
        return Difference(float("nan"), float("nan"), float("nan"))
    return paired_means(mine[there], theirs[there], seed=seed)


def by_group(hits: Hits, counts: Ints, length: int, *, of_items: bool = False) -> dict[str, tuple[float, int]]:
    """Recall, and how many stand behind it, by how much was known.

    Parameters
    ----------
    counts
        Known interactions of each customer, (customers,); with ``of_items`` of each purchase's item, (purchases,).
    """
    out = {}
    for first, last in COLD:
        inside = (counts >= first) & (counts <= (np.inf if last is None else last))
        name = str(first) if first == last else f"{first}-{last}" if last is not None else f"{first}+"
        values = hits.recall(length, inside) if of_items else hits.recall(length)[inside]
        values = values[np.isfinite(values)]
        out[name] = (float(values.mean()) if len(values) else float("nan"), int(inside.sum()))
    return out


def shown(judgement: Judgement, comparison: Comparison) -> dict[str, float]:
    """What the first places hold.

    ``coverage``: share of all items that anybody gets; ``novelty``: mean surprise in bits, minus the binary logarithm
    of the share of customers who had the item; ``popularity_bias``: how many times more customers had an item shown
    than had an item that was then really chosen (1: lists are as popular as tastes are); ``gini``: how unevenly places
    fall on the items, 0 evenly, 1 all on one.
    """
    items = judgement.shown.ravel()
    buyers, everybody = comparison.buyers.astype(float), max(comparison.buyers.max(), 1)
    share = np.maximum(buyers, 0.5) / max(float(len(comparison.history)), everybody)
    wanted = comparison.wanted
    places = np.sort(np.bincount(items, minlength=len(buyers)).astype(float))
    lorenz = np.cumsum(places) / max(places.sum(), 1)
    return {
        f"coverage@{SHOWN}": float(len(np.unique(items)) / max(len(buyers), 1)),
        f"novelty@{SHOWN}": float(-np.log2(share[items]).mean()),
        f"popularity_bias@{SHOWN}": float(buyers[items].mean() / max(buyers[wanted].mean(), 1e-12)),
        f"gini@{SHOWN}": float(1 - 2 * lorenz.mean() + 1 / max(len(places), 1)),
    }


def item_counts(comparison: Comparison) -> Ints:
    """Customers known to have had the item of each purchase that was to be foretold."""
    return comparison.buyers[comparison.wanted]
