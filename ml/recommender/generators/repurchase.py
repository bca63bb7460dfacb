"""What the customer bought before, the more often and the more lately the higher."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ml.recommender.block import Block, Catalogue, Source, Texts
from ml.recommender.cuts import top, without
from ml.recommender.decay import UNIT, weights
from ml.recommender.protocol import MOST_CANDIDATES, once_more
from ml.recommender.sparse import Barred, Csr, Floats, Ints, normalised

PRIOR_CUSTOMERS = 20
"""How many customers of the average item stand beside an item's own when it is told how often it is bought again."""


@dataclass
class Repurchase:
    """Days with a purchase of an item, decayed, times how often anybody buys that item again."""

    half_life_days: float = 365.0
    name: str = field(default="repurchase", init=False)

    def fit(self, world: Source) -> None:
        """Count by item who bought it, and who bought it again."""
        self.catalogue: Catalogue = world.catalogue
        self.has_orders = world.has_orders
        buyers, again = np.zeros((2, world.catalogue.size), np.int64)
        for block in world.blocks():
            days = block.spread((block.lines > 0).astype(np.int64))
            buyers += np.bincount(days.indices, minlength=world.catalogue.size)
            again += np.bincount(days.indices[days.data > 1], minlength=world.catalogue.size)
        usual = (again.sum() + 1) / (buyers.sum() + 2)
        self.again: Floats = (again + PRIOR_CUSTOMERS * usual) / (buyers + PRIOR_CUSTOMERS)

    def score(self, block: Block, barred: Barred) -> Csr:
        worth = block.spread(weights(block.ages, self.half_life_days), block.lines > 0)
        kept = without(worth.astype(float) / UNIT, barred)
        return normalised(top(normalised(kept * self.again[None, :]), MOST_CANDIDATES))

    def explain(self, block: Block, rows: Ints, items: Ints) -> Texts:  # noqa: ARG002
        return once_more(self.catalogue, items, is_sold=self.has_orders)
