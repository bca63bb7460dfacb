"""What the customer looked at or put into the basket lately."""

from __future__ import annotations

from dataclasses import dataclass, field

from ml.recommender.block import Block, Catalogue, Source, Texts
from ml.recommender.cuts import top, without
from ml.recommender.decay import weights
from ml.recommender.protocol import MOST_CANDIDATES
from ml.recommender.sparse import Barred, Csr, Ints, normalised


@dataclass
class Viewed:
    """Events that concern an item, decayed; an item put into the basket counts several views."""

    half_life_days: float = 14.0
    cart_views: int = 3
    name: str = field(default="viewed", init=False)

    def fit(self, world: Source) -> None:
        self.catalogue: Catalogue = world.catalogue

    def score(self, block: Block, barred: Barred) -> Csr:
        seen = (block.views + self.cart_views * block.carts) * weights(block.ages, self.half_life_days)
        return normalised(top(without(block.spread(seen).astype(float), barred), MOST_CANDIDATES))

    def explain(self, block: Block, rows: Ints, items: Ints) -> Texts:  # noqa: ARG002
        return "You looked at " + self.catalogue.label(items)
