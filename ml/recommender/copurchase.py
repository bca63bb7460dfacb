"""How often two items were bought together, counted in whole numbers.

Belongs here: the counts and what they say about pairs. Does not belong here: what a customer gets to see.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from ml.recommender.block import Block, Source
from ml.recommender.decay import weights
from ml.recommender.sparse import Csr, Floats, Ints, cells, matrix, places

HALF_LIFE_DAYS = 365.0
MOST_ITEMS = 50
"""Of one basket, or of one customer (the latest): pairs grow with its square, and a reseller's basket says little."""


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
    """Baskets, or customers."""

    def similarity(self, damping: float) -> Csr:
        """Row h, column i: ``together / (count(h) count(i)^damping)``."""
        rows, columns, values = cells(self.together)
        return matrix(
            values / (self.counts[rows] * _power(self.counts[columns], damping)), rows, columns, self.together.shape
        )

    def lift(self, rows: Ints, columns: Ints, support: Ints) -> Floats:
        """How many times more often than if the two had nothing to do with each other."""
        return support * self.total / (self.alone[rows] * self.alone[columns]).astype(float)


def co_purchases(world: Source, within: str, *, with_support: bool = False, act: str = "lines") -> CoPurchases:
    """Count pairs, block by block, in one pass.

    Parameters
    ----------
    within
        ``basket``: items bought by one customer on one day; ``customer``: by one customer at any time.
    act
        What counts: ``lines``, purchases, or ``views``.
    """
    size = world.catalogue.size
    together = support = csr_array((size, size), dtype=np.int64)
    counts, alone, total = np.zeros(size, np.int64), np.zeros(size, np.int64), 0
    for block in world.blocks():
        had, worth = _baskets(block, act) if within == "basket" else _customers(block, act)
        if with_support:
            support = support + had.T @ had
        together = together + had.T @ worth
        alone += np.asarray(had.sum(axis=0)).ravel()
        counts += np.asarray(worth.sum(axis=0)).ravel()
        total += int((np.diff(had.indptr) > 0).sum())
    return CoPurchases(_off_diagonal(together), _off_diagonal(support), np.maximum(counts, 1), alone, total)


def _baskets(block: Block, act: str) -> tuple[Csr, Csr]:
    """Baskets by items: 1 where it was in, and the weight of the basket's age."""
    kept = np.flatnonzero(getattr(block, act) > 0)
    day = block.rows[kept] * (block.ages.max(initial=0) + 1) + block.ages[kept]
    _, basket = np.unique(day, return_inverse=True)
    return _limited(basket.astype(np.int64), block.items[kept], block.ages[kept], block.width)


def _customers(block: Block, act: str) -> tuple[Csr, Csr]:
    """Customers by items: 1 where it was bought, and the weight of the last purchase's age."""
    kept = np.flatnonzero(getattr(block, act) > 0)
    pair = block.rows[kept] * block.width + block.items[kept]
    kept = kept[np.append(True, pair[1:] != pair[:-1])] if len(kept) else kept  # sorted by age: the latest is first
    return _limited(block.rows[kept], block.items[kept], block.ages[kept], block.width)


def _limited(rows: Ints, items: Ints, ages: Ints, width: int) -> tuple[Csr, Csr]:
    order = np.lexsort((items, ages, rows))
    order = order[places(rows[order]) < MOST_ITEMS]
    rows, items, ages = rows[order], items[order], ages[order]
    shape = (int(rows.max(initial=-1)) + 1, width)
    had = matrix(np.ones(len(rows), np.int64), rows, items, shape)
    return had, matrix(weights(ages, HALF_LIFE_DAYS), rows, items, shape)


def _off_diagonal(m: Csr) -> Csr:
    rows, columns, values = cells(csr_array(m))
    kept = rows != columns
    return matrix(values[kept], rows[kept], columns[kept], m.shape)


def _power(counts: Ints, damping: float) -> Floats:
    """Square roots are the same on every machine, other powers are not."""
    roots = {0.0: counts.astype(float) ** 0, 0.25: np.sqrt(np.sqrt(counts)), 0.5: np.sqrt(counts), 1.0: counts * 1.0}
    return roots[damping]
