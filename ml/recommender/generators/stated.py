"""What the customer said they want."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ml.recommender.block import Block, Source, Texts
from ml.recommender.cuts import best_of_product, strongest, top
from ml.recommender.popularity import popularity
from ml.recommender.protocol import MOST_CANDIDATES, on_sale
from ml.recommender.sparse import Barred, Csr, Ints, normalised, of_columns


@dataclass
class Stated:
    """The popular items of the categories and brands that the customer asked for, by the weight they gave them."""

    half_life_days: float = 90.0
    items_each: int = 40
    """Of one category or brand."""
    name: str = field(default="stated", init=False)

    def fit(self, world: Source) -> None:
        self.statements = world.statements
        self.may_be_named = np.array([not one.is_sensitive for one in world.statements], bool)
        self.is_sensitive = world.catalogue.is_sensitive
        self.labels = world.catalogue.label(np.arange(world.catalogue.size))
        self.numbers = dict(zip(world.catalogue.product_ids, self.labels, strict=True))
        shares = popularity(world, half_life_days=self.half_life_days, shrinkage=0).overall
        # Even what nobody bought yet counts a little: the customer asked for its kind.
        self.worth = (shares + 0.1 / max(world.catalogue.size, 1)) * on_sale(world)

    def score(self, block: Block, barred: Barred) -> Csr:
        return normalised(best_of_product(block.statements(+1), self._spoken(block), MOST_CANDIDATES, barred))

    def explain(self, block: Block, rows: Ints, items: Ints) -> Texts:
        """Which wish speaks most for each item; a sensitive one only where the item itself is.

        Who withdraws the permission to see it no longer sees a sensitive item's row, but still that of any other.
        """
        told, spoken = block.statements(+1), self._spoken(block)
        which = strongest(of_columns(told, self.may_be_named), spoken, rows, items)
        own = self.is_sensitive[items]
        which[own] = strongest(told, spoken, rows[own], items[own])
        return np.array([f"You told us you like {self._called(number)}" for number in which], dtype=object)

    def _called(self, number: int) -> str:
        if number < 0:
            return "things of this kind"
        attribute, value, _ = self.statements[number]
        return str(self.numbers.get(value, value) if attribute == "product" else value)

    def _spoken(self, block: Block) -> Csr:
        return normalised(top((block.statement_items * self.worth[None, :]).tocsr(), self.items_each))
