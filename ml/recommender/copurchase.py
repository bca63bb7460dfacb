"""How often two items were bought together, counted in whole numbers.

Belongs here: the counts and what they say about pairs. Does not belong here: what a customer gets to see.

A basket is what one person bought, or looked at, on one day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ml.recommender.block import Block, Source
from ml.recommender.decay import weights
from ml.recommender.limits import latest, within_limit
from ml.recommender.sparse import Csr, Floats, Ints, Sum, canonical, matrix, off_diagonal

HALF_LIFE_DAYS = 365.0
LARGEST_BASKET = 1_000
"""Items. A day of more is a reseller's export or a bot: it says nothing of what goes together, and its pairs grow with
its square. No count knows of it."""
MOST_ITEMS = 50
"""Of one customer over all time, the latest."""
MOST_PAIRS = 10_000_000
"""That are counted at once, so that memory does not grow with the size of baskets."""


@dataclass(frozen=True)
class CoPurchases:
    """Baskets, or customers, by pair of items."""

    together: Csr
    """(items, items), without the diagonal: how many had both, decayed by the age of the column's item (in a basket the
    age of both), in ``decay.UNIT``; whole numbers."""
    support: Csr
    """The same without decay; empty unless asked for."""
    counts: Ints
    """(items,): how many had the item, decayed."""
    alone: Ints
    """(items,): how many had the item, without decay."""
    total: int
    """Baskets, or customers, that had anything."""

    def similarity(self, damping: float) -> Csr:
        """Row h, column i: ``together / (count(h) count(i)^damping)``."""
        pairs = self.together
        usual = np.repeat(self.counts, np.diff(pairs.indptr)) * _power(self.counts, damping)[pairs.indices]
        return canonical(pairs.indptr, pairs.indices, np.divide(pairs.data, usual, out=usual), pairs.shape)

    def lift(self, rows: Ints, columns: Ints, support: Ints) -> Floats:
        """How many times more often than if the two had nothing to do with each other."""
        return support * self.total / np.maximum(self.alone[rows] * self.alone[columns], 1).astype(float)


def co_purchases(
    world: Source, within: str, *, with_support: bool = False, act: str = "lines", most: int | None = MOST_ITEMS
) -> CoPurchases:
    """Count pairs, block by block, in one pass.

    Parameters
    ----------
    within
        ``basket``: items bought by one customer on one day, unless more than ``LARGEST_BASKET``; ``customer``: by one
        customer at any time.
    act
        What counts in a basket: ``lines``, purchases, or ``views``.
    most
        Of one customer over all time, the latest so many items; None: all.
    """
    size = world.catalogue.size
    together, support = Sum((size, size)), Sum((size, size))
    counts, alone, total = np.zeros(size, np.int64), np.zeros(size, np.int64), 0
    for block in world.blocks():
        for had, worth in _parts(*(_baskets(block, act) if within == "basket" else _customers(block, most))):
            if with_support:
                support.add(had.T @ had)
            together.add(had.T @ worth)
            alone += np.asarray(had.sum(axis=0)).ravel()
            counts += np.asarray(worth.sum(axis=0)).ravel()
            total += int((np.diff(had.indptr) > 0).sum())
    pairs = off_diagonal(together.total()), off_diagonal(support.total())
    return CoPurchases(*pairs, np.maximum(counts, 1), alone, total)


def _baskets(block: Block, act: str) -> tuple[Csr, Csr]:
    """Baskets by items: 1 where it was in, and the weight of the basket's age."""
    kept = np.flatnonzero(getattr(block, act) > 0)
    day = block.rows[kept] * (block.ages.max(initial=0) + 1) + block.ages[kept]
    once = np.append(True, (day[1:] != day[:-1]) | np.diff(block.items[kept]).astype(bool))[: len(kept)]
    kept, day = kept[once], day[once]  # a log may have several baskets of one day
    _, basket, size = np.unique(day, return_inverse=True, return_counts=True)
    is_told = size[basket] <= LARGEST_BASKET
    return _weighted(block, kept[is_told], basket[is_told].astype(np.int64))


def _customers(block: Block, most: int | None) -> tuple[Csr, Csr]:
    """Customers by items: 1 where it was bought, and the weight of the last purchase's age."""
    last = latest(block)
    if most is not None:
        last = last[within_limit(block, last, block.rows[last], block.ages[last], most)]
    return _weighted(block, last, block.rows[last])


def _weighted(block: Block, entries: Ints, rows: Ints) -> tuple[Csr, Csr]:
    shape = (int(rows.max(initial=-1)) + 1, block.width)
    had = matrix(np.ones(len(rows), np.int64), rows, block.items[entries], shape)
    return had, matrix(weights(block.ages[entries], HALF_LIFE_DAYS), rows, block.items[entries], shape)


def _parts(had: Csr, worth: Csr) -> Iterator[tuple[Csr, Csr]]:
    """The same in runs of rows with about ``MOST_PAIRS`` pairs each."""
    pairs = np.cumsum(np.diff(had.indptr).astype(np.int64) ** 2)
    full = np.flatnonzero(np.diff(pairs // MOST_PAIRS, prepend=0))
    for start, stop in pairwise([0, *(full + 1).tolist(), had.shape[0]]):
        if start < stop:
            yield had[start:stop], worth[start:stop]


def _power(counts: Ints, damping: float) -> Floats:
    """Square roots are the same on every machine, other powers are not."""
    roots = {0.0: counts.astype(float) ** 0, 0.25: np.sqrt(np.sqrt(counts)), 0.5: np.sqrt(counts), 1.0: counts * 1.0}
    return roots[damping]
