"""What goes with the whole of what the customer ever chose, whatever came last: for long histories."""

from __future__ import annotations

from dataclasses import dataclass, field

from ml.recommender.block import Block, Catalogue, Source, Texts
from ml.recommender.copurchase import co_purchases
from ml.recommender.cuts import best_of_product
from ml.recommender.protocol import MOST_CANDIDATES, because, on_sale
from ml.recommender.solver import autoencoder, sparse_rows
from ml.recommender.sparse import Barred, Csr, Ints, normalised

MOST_ITEMS = 3_000
"""Of one customer, the latest, whose pairs then are as many as are counted at once (``copurchase.MOST_PAIRS``): more is
a reseller or a bot."""


@dataclass
class EaseUnordered:
    """EASE (Steck 2019) of whole histories, trained as if each item had been left out by chance (EDLAE, Steck 2020).

    Of who has chosen a hundred films the last one says little more than the first. Dropout adds its odds times how
    often an item was chosen to the item's own ridge, so that what everybody has does not explain itself, and how strong
    the common ridge is matters less.
    """

    regularisation: float = 300.0
    dropout: float = 0.5
    neighbours: int = 200
    """Kept of each item, those on sale of the greatest weight."""
    name: str = field(default="ease_unordered", init=False)

    def fit(self, world: Source) -> None:
        self.catalogue: Catalogue = world.catalogue
        self.has_orders = world.has_orders
        counted = co_purchases(world, "customer", with_support=True, most=MOST_ITEMS)
        weights = autoencoder(counted.support, counted.alone, self.regularisation, self.dropout)
        weights[:, ~on_sale(world)] = 0
        self.weights: Csr = sparse_rows(weights, self.neighbours)

    def score(self, block: Block, barred: Barred) -> Csr:
        return normalised(best_of_product(block.bought_matrix, self.weights, MOST_CANDIDATES, barred))

    def explain(self, block: Block, rows: Ints, items: Ints) -> Texts:
        return because(block.bought_matrix, self.weights, rows, items, self.catalogue, is_sold=self.has_orders)
