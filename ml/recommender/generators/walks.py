"""Where a walk from the customer's items to their buyers and on to what these bought ends."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ml.recommender.block import Block, Catalogue, Source, Texts
from ml.recommender.cuts import best_of_product
from ml.recommender.limits import latest, within_limit
from ml.recommender.protocol import MOST_CANDIDATES, because, nearest, recent
from ml.recommender.sparse import Barred, Csr, Ints, Sum, canonical, matrix, normalised, off_diagonal

SCALE = 1_000_000
"""Chances are added as whole numbers of this part."""
MOST_ITEMS = 500
"""Of one customer, the latest: a walk through somebody with thousands of items says little, and costs their square."""


@dataclass
class Walks:
    """Three-step random walks damped by popularity, RP3beta (Christoffel et al. 2015).

    The walk goes from item h to one of its buyers and on to one of that buyer's items; the chance to end at i is
    divided by the number of buyers of i to the power of ``damping``.
    """

    damping: float = 0.3
    recency: float = 0.8
    """What each basket back counts when the customer's own history is read."""
    neighbours: int = 100
    """Kept of each item, of those on sale."""
    name: str = field(default="walks", init=False)

    def fit(self, world: Source) -> None:
        self.catalogue: Catalogue = world.catalogue
        self.has_orders = world.has_orders
        size = world.catalogue.size
        walked, buyers = Sum((size, size)), np.zeros(size, np.int64)
        for block in world.blocks():
            had = _latest(block)
            buyers += np.bincount(had.indices, minlength=size)
            onward = had.copy()
            onward.data = (SCALE // np.maximum(np.diff(had.indptr), 1)).repeat(np.diff(had.indptr))
            walked.add(had.T.tocsr() @ onward)
        ended, many = off_diagonal(walked.total()), np.maximum(buyers, 1).astype(float)
        chance = ended.data / SCALE / np.repeat(many, np.diff(ended.indptr))
        chance /= np.exp(self.damping * np.log(many))[ended.indices]
        chance = chance.astype(np.float32).astype(float)  # powers differ in their last bits between machines
        self.near: Csr = nearest(canonical(ended.indptr, ended.indices, chance, ended.shape), self.neighbours, world)

    def score(self, block: Block, barred: Barred) -> Csr:
        return normalised(best_of_product(recent(block, self.recency), self.near, MOST_CANDIDATES, barred))

    def explain(self, block: Block, rows: Ints, items: Ints) -> Texts:
        return because(recent(block, self.recency), self.near, rows, items, self.catalogue, is_sold=self.has_orders)


def _latest(block: Block) -> Csr:
    """Customers by items: 1 where it was bought, the latest items only."""
    last = latest(block)
    last = last[within_limit(block, last, block.rows[last], block.steps[last], MOST_ITEMS)]
    shape = (len(block), block.width)
    return matrix(np.ones(len(last), np.int64), block.rows[last], block.items[last], shape)
