"""What the customer said they want."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ml.recommender.block import Block, Source, Texts
from ml.recommender.cuts import best_of_product, strongest, top
from ml.recommender.popularity import popularity
from ml.recommender.protocol import MOST_CANDIDATES, on_sale
from ml.recommender.sparse import Barred, Csr, Ints, normalised


@dataclass
class Stated:
    """The popular items of the categories and brands that the customer asked for, by the weight they gave them."""

    half_life_days: float = 90.0
    items_each: int = 40
    """Of one category or brand."""
    name: str = field(default="stated", init=False)

    def fit(self, world: Source) -> None:
        self.statements = world.statements
        self.labels = world.catalogue.label(np.arange(world.catalogue.size))
        self.numbers = dict(zip(world.catalogue.product_ids, self.labels, strict=True))
        shares = popularity(world, half_life_days=self.half_life_days, shrinkage=0).overall
        # Even what nobody bought yet counts a little: the customer asked for its kind.
        self.worth = (shares + 0.1 / max(world.catalogue.size, 1)) * on_sale(world)

    def score(self, block: Block, barred: Barred) -> Csr:
        return normalised(best_of_product(block.statements(+1), self._spoken(block), MOST_CANDIDATES, barred))

    def explain(self, block: Block, rows: Ints, items: Ints) -> Texts:
        which = strongest(block.statements(+1), self._spoken(block), rows, items)
        said = [self.statements[number] for number in which]
        named = (self.numbers.get(value, value) if attribute == "product" else value for attribute, value in said)
        return np.array([f"You told us you like {name}" for name in named], dtype=object)

    def _spoken(self, block: Block) -> Csr:
        return normalised(top((block.statement_items * self.worth[None, :]).tocsr(), self.items_each))
