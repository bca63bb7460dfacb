"""What the customer buys in a rhythm and is due again."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ml.recommender.block import Block, Catalogue, Source, Texts
from ml.recommender.cuts import top, without
from ml.recommender.protocol import MOST_CANDIDATES, once_more
from ml.recommender.rhythm import Rhythm, rhythm
from ml.recommender.sparse import Barred, Csr, Floats, Ints, Pairs, matrix, normalised

DUE_FROM = 0.75
"""Share of the expected gap from which on the words say that the item is due."""


@dataclass
class Due:
    """Items bought at least twice whose time has come: as long ago as the gap between purchases usually is.

    The usual gap is the mean of the customer's own gaps and of one gap of everybody's (the item's median), on a log
    scale a normal curve of ``width`` around it says how due the item is; its height grows with the number of
    purchases.
    """

    width: float = 0.5
    name: str = field(default="due_again", init=False)

    def fit(self, world: Source) -> None:
        self.catalogue: Catalogue = world.catalogue
        self.has_orders = world.has_orders
        self.rhythm: Rhythm = rhythm(world)

    def score(self, block: Block, barred: Barred) -> Csr:
        own = block.repeats
        away = np.log(np.maximum(own.last_age, 1) / self._expected_gap(block)) / self.width
        height = np.where(own.gaps > 0, own.gaps * np.exp(-0.5 * away**2), 0.0)
        kept = height > 1e-3
        due = matrix(height[kept], own.rows[kept], own.items[kept], (len(block), block.width))
        return normalised(top(without(due, barred), MOST_CANDIDATES))

    def explain(self, block: Block, rows: Ints, items: Ints) -> Texts:
        own = block.repeats
        is_due = self.has_orders & (own.last_age >= DUE_FROM * self._expected_gap(block))
        due = Pairs.of(own.rows[is_due], own.items[is_due], block.width).contains(rows, items)
        before = once_more(self.catalogue, items, is_sold=self.has_orders)
        return np.where(due, "Due again: " + self.catalogue.label(items), before)

    def _expected_gap(self, block: Block) -> Floats:
        """Days, of each pair of ``block.repeats``."""
        own = block.repeats
        usual = (own.mean_gap * own.gaps + self.rhythm.usual[own.items]) / (own.gaps + 1)
        return np.maximum(usual, 1)
