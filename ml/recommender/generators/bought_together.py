"""What goes with what the customer bought: co-purchase neighbours, in one basket or by one customer."""

from __future__ import annotations

from dataclasses import dataclass

from ml.recommender.block import Block, Catalogue, Source, Texts
from ml.recommender.copurchase import CoPurchases, co_purchases
from ml.recommender.cuts import best_of_product
from ml.recommender.decay import UNIT, weights
from ml.recommender.protocol import MOST_CANDIDATES, because, nearest
from ml.recommender.sparse import Barred, Csr, Ints, normalised


@dataclass
class BoughtTogether:
    """Item-item neighbours of what the customer bought lately (Sarwar et al. 2001), damped by popularity.

    The neighbour i of an item h counts ``together(h, i) / (count(h) count(i)^damping)``; ``damping`` 0 is the
    conditional share, which favours what everybody buys, 1 is lift, which favours what hardly anybody does; 0.25 and
    0.5 lie between.
    """

    within: str = "basket"
    """``basket``: bought on one day; ``customer``: bought by one person at any time."""
    half_life_days: float = 180.0
    """Of the purchase that the neighbour belongs to."""
    damping: float = 0.25
    neighbours: int = 60
    """Kept of each item, of those on sale."""

    @property
    def name(self) -> str:
        return {"basket": "bought_together", "customer": "also_bought"}[self.within]

    def fit(self, world: Source) -> None:
        self.catalogue: Catalogue = world.catalogue
        self.has_orders = world.has_orders
        counted: CoPurchases = co_purchases(world, self.within)
        self.similar: Csr = nearest(counted.similarity(self.damping), self.neighbours, world)

    def score(self, block: Block, barred: Barred) -> Csr:
        return normalised(best_of_product(self._lately(block), self.similar, MOST_CANDIDATES, barred))

    def explain(self, block: Block, rows: Ints, items: Ints) -> Texts:
        return because(self._lately(block), self.similar, rows, items, self.catalogue, is_sold=self.has_orders)

    def _lately(self, block: Block) -> Csr:
        worth = block.spread(weights(block.ages, self.half_life_days), block.lines > 0)
        return (worth / UNIT).tocsr()
