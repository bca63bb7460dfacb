"""How often one item was bought some baskets after another, counted in whole numbers.

Belongs here: the counts. Does not belong here: what a customer gets to see (the generators that read them).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_array, vstack

from ml.recommender.block import Block, Source
from ml.recommender.decay import UNIT
from ml.recommender.limits import within_limit
from ml.recommender.sparse import Csr, Ints, Sum, matrix

MOST_ITEMS = 50
"""Of one basket, by lot: pairs grow with its square, and a reseller's basket says little."""
MOST_PAIRS = 20_000
"""Of one customer; where baskets are so many and large that more would be counted, only nearer ones are paired."""
CUSTOMERS = 1_000
"""That are multiplied at once, for the sake of memory."""
FARTHEST = 20
"""Baskets apart."""


@dataclass(frozen=True)
class Transitions:
    """Whole numbers in ``decay.UNIT``."""

    later: Csr
    """Row h, column i: i stood d baskets after h, each time worth ``decay^(d-1)``."""
    within: Csr
    """They stood in one basket; without the diagonal."""
    baskets: Ints
    """(items,): baskets with the item."""

    def both_ways(self, backward: float) -> Csr:
        """``later`` and its reverse at ``backward``: the order of two purchases is half chance."""
        turned = self.later.T.tocsr()
        turned.data = np.round(turned.data * backward).astype(np.int64)
        return csr_array(self.later + turned)


def count_transitions(world: Source, decay: float) -> Transitions:
    """Count block by block, in one pass."""
    size = world.catalogue.size
    later, together = Sum((size, size)), Sum((size, size))
    total = np.zeros(size, np.int64)
    for block in world.blocks():
        baskets, whose = _baskets(block)
        total += np.bincount(baskets.indices, minlength=size)
        cuts = np.searchsorted(whose, np.arange(0, len(block) + CUSTOMERS, CUSTOMERS))
        for start, stop in pairwise(cuts.tolist()):
            later.add(_pairs(baskets[start:stop], whose[start:stop], decay))
        several = baskets[np.flatnonzero(np.diff(baskets.indptr) > 1)]
        together.add(several.T.tocsr() @ several)
    within = csr_array(together.total() * UNIT)
    within.setdiag(0)
    within.eliminate_zeros()
    return Transitions(later.total(), within, total)


def _pairs(baskets: Csr, whose: Ints, decay: float) -> Csr:
    sizes, room = np.diff(baskets.indptr).astype(np.int64), np.full(int(whose.max(initial=-1)) + 1, MOST_PAIRS)
    earlier, later = [], []
    for distance in range(1, min(FARTHEST + 1, len(whose))):
        first = np.flatnonzero(whose[:-distance] == whose[distance:])
        room -= np.bincount(whose[first], sizes[first] * sizes[first + distance], len(room)).astype(np.int64)
        first = first[(room[whose[first]] >= 0) | (distance == 1)]
        if not len(first):
            break
        earlier.append(baskets[first])
        later.append(baskets[first + distance] * round(UNIT * decay ** (distance - 1)))
    if not earlier:
        return csr_array((baskets.shape[1], baskets.shape[1]), dtype=np.int64)
    return (vstack(earlier).T.tocsr() @ vstack(later).tocsr()).tocsr()


def _baskets(block: Block) -> tuple[Csr, Ints]:
    """Baskets by items, 1 where it was in, each customer's oldest first; and the customer of each."""
    kept = np.flatnonzero(block.lines > 0)
    rows, steps = block.rows[kept], block.steps[kept]
    deepest = int(steps.max(initial=0)) + 1
    keys, basket = np.unique(rows * deepest + (deepest - 1 - steps), return_inverse=True)
    basket = basket.astype(np.int64)
    stays = within_limit(block, kept, basket, np.zeros(len(kept), np.int64), MOST_ITEMS)
    kept, basket = kept[stays], basket[stays]
    had = matrix(np.ones(len(kept), np.int64), basket, block.items[kept], (len(keys), block.width))
    had.data = np.ones(len(had.data), np.int64)
    return had, keys // deepest
