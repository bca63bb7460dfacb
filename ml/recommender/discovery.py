"""What became of the places of lists that are kept for discovery.

Belongs here: what stood in them, and what else could have. Does not belong here: drawing it (``lists``), lists as a
whole (``exposure``).

A slot is held against an item drawn evenly among all that are allowed, new to the customer and not elsewhere in the
list, and against the most popular of these.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ml.bootstrap import Difference, paired_means, ratio
from ml.recommender.block import Flags
from ml.recommender.lessons import Judged
from ml.recommender.lists import Lists
from ml.recommender.popularity import Popularity
from ml.recommender.rules import Case, allowed
from ml.recommender.sparse import Floats, Ints, Pairs, places

CELLS = 4_000_000
"""Customers times items that are looked at once."""


@dataclass(frozen=True)
class Slots:
    """Discovery slots of each judged customer, and hits: theirs, those expected of random items, those of popular ones;
    (customers,) each."""

    slots: Floats
    found: Floats
    random: Floats
    popular: Floats


@dataclass(frozen=True)
class Discovery:
    """What the slots found; rates are hits per slot."""

    slots: int
    rate: float
    random_rate: float
    popular_rate: float
    against_random: Difference
    """How many times the hits of random items, with its 95 % interval, customers drawn with replacement."""
    above_popular: Difference
    """Rate less that of popular items."""
    loss_of_ndcg: Difference
    """Share of NDCG at 10 that lists without discovery have more."""

    def as_metrics(self) -> dict[str, float]:
        """Names and numbers for MLflow."""
        told = {"hit_rate": self.rate, "hit_rate_of_random": self.random_rate, "hit_rate_of_popular": self.popular_rate,
                "against_random": self.against_random.value, "loss_of_ndcg": self.loss_of_ndcg.value}  # fmt: skip
        return {f"discovery/{name}": value for name, value in told.items()}


def discovery(own: Slots, with_it: Floats, without: Floats, *, seed: int) -> Discovery | None:
    """What discovery finds and costs; None without slots.

    Parameters
    ----------
    with_it, without
        NDCG at 10 of each customer's list with discovery and of the one without, (customers,).
    """
    there = own.slots > 0
    if not there.any():
        return None
    slots, found, chance, best = (getattr(own, name)[there] for name in Slots.__dataclass_fields__)
    kept = ratio(with_it, without, seed=seed)
    rate, random_rate, popular_rate = (float(hits.sum() / slots.sum()) for hits in (found, chance, best))
    return Discovery(
        int(slots.sum()),
        rate,
        random_rate,
        popular_rate,
        against_random=ratio(found, chance, seed=seed),
        above_popular=paired_means(found / slots, best / slots, seed=seed),
        loss_of_ndcg=Difference(1 - kept.value, 1 - kept.high, 1 - kept.low),
    )


def slots_of(lists: Lists, case: Case, judged: Judged, popular: Popularity) -> Slots:
    """Look what was bought of what stood in the slots of one block, and of what could have."""
    found, customers, width = lists.is_discovery, len(case.block), case.block.width
    if not found.any():
        return Slots(*np.zeros((4, customers)))
    bought = Pairs.of(judged.rows, judged.items, width)
    slots = np.bincount(lists.rows[found], minlength=customers).astype(float)
    hits = np.bincount(lists.rows[found], bought.contains(lists.rows[found], lists.items[found]), customers)
    kept = Pairs.of(lists.rows[~found], lists.items[~found], width)
    random_, best = np.zeros(customers), np.zeros(customers)
    by_popularity = np.lexsort((np.arange(width), -popular.overall))
    for who, open_ in _open(case, kept):
        rows, items = np.nonzero(open_[:, by_popularity])
        rows, items = rows + who[0], by_popularity[items]
        is_hit = bought.contains(rows, items)
        each = np.bincount(rows, minlength=customers)[who]
        random_[who] = np.bincount(rows, is_hit, customers)[who] / np.maximum(each, 1) * slots[who]
        first = places(rows) < slots[rows]
        best[who] = np.bincount(rows[first], is_hit[first], customers)[who]
    return Slots(slots, hits.astype(float), random_, best)


def _open(case: Case, kept: Pairs) -> Iterator[tuple[Ints, Flags]]:
    """Customers, some at a time, and what a slot of theirs could hold, (customers, items)."""
    width, customers = case.block.width, len(case.block)
    step = max(CELLS // max(width, 1), 1)
    for start in range(0, customers, step):
        who = np.arange(start, min(start + step, customers))
        rows, items = np.repeat(who, width), np.tile(np.arange(width), len(who))
        open_ = allowed(case, rows, items) & ~case.block.bought.contains(rows, items) & ~kept.contains(rows, items)
        yield who, open_.reshape(len(who), width)
