"""How soon an item is bought again by anybody.

Belongs here: gaps between purchases of one item, over all customers. Does not belong here: those of one customer
(``repeats``), what follows from them (the generator ``due``, the rule ``just bought``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.recommender.block import Block, Source
from ml.recommender.repeats import LONGEST_GAP_DAYS
from ml.recommender.sparse import Ints, Pairs

ENOUGH_GAPS = 20
"""With fewer the item's category speaks, then the whole shop."""
SOONEST_SHARE = 0.05
DEFAULT_WAIT_DAYS = 14
"""Where the shop has seen too few repurchases to know better."""


@dataclass(frozen=True)
class Rhythm:
    """Days until an item is bought again, (items,)."""

    wait: Ints
    """Nineteen in twenty repurchases took longer."""
    usual: Ints
    """Half of them took longer."""

    def not_due(self, block: Block) -> Pairs:
        """Customers and items bought so lately that hardly anybody buys them again so soon, nor did they."""
        own = block.repeats
        early = own.last_age < np.minimum(self.wait[own.items], own.shortest_gap)
        return Pairs.of(own.rows[early], own.items[early], block.width)


def rhythm(world: Source) -> Rhythm:
    """Count gaps between purchases of one item by one profiled customer."""
    width = world.catalogue.size
    counts = np.zeros((width, LONGEST_GAP_DAYS + 1), np.int64)
    for block in world.blocks():
        kept = block.lines > 0
        pair, ages, items = (block.rows * width + block.items)[kept], block.ages[kept], block.items[kept]
        again = np.flatnonzero(pair[1:] == pair[:-1])
        gap = np.minimum(ages[again + 1] - ages[again], LONGEST_GAP_DAYS)
        cell = items[again] * (LONGEST_GAP_DAYS + 1) + gap
        counts += np.bincount(cell, minlength=counts.size).reshape(counts.shape)
    spoken = _with_company(counts, world.catalogue.categories[0])
    return Rhythm(_quantile(spoken, SOONEST_SHARE), _quantile(spoken, 0.5))


def _with_company(counts: Ints, category: Ints) -> Ints:
    """Gaps of each item; of its category, or of the shop, where the item has too few."""
    by_category = np.zeros((category.max(initial=-1) + 2, counts.shape[1]), np.int64)
    np.add.at(by_category, category, counts)  # -1, no category, is the last row
    by_category[-1] = 0
    spoken = np.where(counts.sum(axis=1)[:, None] >= ENOUGH_GAPS, counts, by_category[category])
    return np.where(spoken.sum(axis=1)[:, None] >= ENOUGH_GAPS, spoken, counts.sum(axis=0)[None, :])


def _quantile(counts: Ints, share: float) -> Ints:
    """Smallest gap that at least that share of the gaps do not exceed, by item."""
    total = counts.sum(axis=1)
    reached = counts.cumsum(axis=1) >= np.ceil(share * total)[:, None]
    return np.where(total >= ENOUGH_GAPS, reached.argmax(axis=1), DEFAULT_WAIT_DAYS).astype(np.int64)
