"""Numbers of a comparison: accuracy with intervals, repeat and explore apart, cold customers and items, what it is that
gets shown, and what discovery finds and costs.

Belongs here: figures. Does not belong here: words and tables (``report``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ml.bootstrap import Difference, paired_means
from ml.recommender.cold import by_customer, by_item
from ml.recommender.evaluation.compare import Comparison, Judgement
from ml.recommender.evaluation.ranking import SHOWN
from ml.recommender.exposure import breadth, figures, found_by_discovery
from ml.recommender.metrics import Hits


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


def kinds(judgement: Judgement, length: int) -> dict[str, float]:
    """Recall of what was bought before, and of what was new: among all, and ranked among what was new alone. NaN where
    there was none."""
    hits, new, out = judgement.hits, ~judgement.hits.is_repeat, {}
    for name, own, kind in (("repeat", hits, ~new), ("explore", hits, new), ("new_only", judgement.among_new, new)):
        values = own.recall(length, kind)
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


def shown(judgement: Judgement, comparison: Comparison) -> dict[str, float]:
    """What the first places hold (``exposure.breadth``)."""
    found = breadth(judgement.shown[judgement.shown >= 0], comparison.buyers, comparison.people, comparison.wanted)
    return {f"{name}@{SHOWN}": value for name, value in found.items()}


def by_known_of_customer(judgement: Judgement, comparison: Comparison, length: int, *, seed: int) -> dict[str, Any]:
    """Figures by how much was known of customers, those among them who are judged because nothing was."""
    hits, newcomers = judgement.hits, judgement.newcomers
    known = np.append(comparison.history, np.zeros(newcomers.customers, np.int64))
    everybody = Hits(
        hits.customers + newcomers.customers,
        np.append(hits.rows, newcomers.rows + hits.customers),
        np.append(hits.is_repeat, newcomers.is_repeat),
        np.append(hits.ranks, newcomers.ranks),
    )
    return {
        name: {"customers": own.customers, f"recall@{length}": asdict(own.recall), f"ndcg@{length}": asdict(own.ndcg)}
        for name, own in by_customer(everybody, known, length, seed=seed).items()
    }


def by_known_of_item(judgement: Judgement, comparison: Comparison, length: int, *, seed: int) -> dict[str, Any]:
    """Figures by how many customers were known to have had the item."""
    found = by_item(judgement.hits, comparison.wanted, comparison.buyers, length, seed=seed)
    return {
        name: {"items": own.items, "purchases": own.purchases, f"hit_rate@{length}": asdict(own.hit_rate)}
        for name, own in found.items()
    }


def lists(comparison: Comparison, *, seed: int) -> dict[str, Any]:
    """Our lists of ten as they would be published, with a fifth of discovery and without."""
    made = comparison.lists
    found: dict[str, Any] = dict(figures(made, comparison.buyers, comparison.people, comparison.wanted))
    if slots := found_by_discovery(made, seed=seed):
        found["slots"] = asdict(slots)
    return found
