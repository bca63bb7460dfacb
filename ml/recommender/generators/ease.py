"""What follows from all that the customer bought together: a linear model of items by items in closed form."""

from __future__ import annotations

from dataclasses import dataclass, field

from ml.recommender.block import Block, Catalogue, Source, Texts
from ml.recommender.copurchase import co_purchases
from ml.recommender.cuts import best_of_product
from ml.recommender.decay import UNIT
from ml.recommender.protocol import MOST_CANDIDATES, because, on_sale, recent
from ml.recommender.sequence import count_transitions
from ml.recommender.solver import regression
from ml.recommender.sparse import Barred, Csr, Ints, normalised


@dataclass
class Ease:
    """Weights of every item for every other by ridge regression (EASE, Steck 2019), with the order of purchases in it.

    EASE foretells a customer's items from the same customer's other items. Here those that stood near in the order of
    baskets count more as what is foretold, and later ones more than earlier ones (SLIT, Choi et al. 2021); what the
    customer bought long ago counts less when the weights are applied. The matrix of all items must fit into memory, so
    it speaks up to ``ml.recommender.choice.EASE_ITEMS`` items.
    """

    regularisation: float = 100.0
    decay: float = 0.8
    backward: float = 0.5
    recency: float = 0.7
    """What each basket back counts when the customer's own history is read."""
    neighbours: int = 100
    """Kept of each item, those on sale of the greatest weight."""
    name: str = field(default="ease", init=False)

    def fit(self, world: Source) -> None:
        self.catalogue: Catalogue = world.catalogue
        self.has_orders = world.has_orders
        pairs = co_purchases(world, "customer", with_support=True)
        order = count_transitions(world, self.decay)
        wanted = (order.both_ways(self.backward) + order.within) / UNIT
        wanted.data[~on_sale(world)[wanted.indices]] = 0
        self.weights: Csr = regression(pairs.support, pairs.alone, wanted, self.regularisation, self.neighbours)

    def score(self, block: Block, barred: Barred) -> Csr:
        return normalised(best_of_product(recent(block, self.recency), self.weights, MOST_CANDIDATES, barred))

    def explain(self, block: Block, rows: Ints, items: Ints) -> Texts:
        return because(recent(block, self.recency), self.weights, rows, items, self.catalogue, is_sold=self.has_orders)
