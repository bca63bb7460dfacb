"""What customers bought next after what this customer bought last."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ml.recommender.block import Block, Catalogue, Source, Texts
from ml.recommender.cuts import best_of_product
from ml.recommender.protocol import MOST_CANDIDATES, because, nearest, recent
from ml.recommender.sequence import count_transitions
from ml.recommender.sparse import Barred, Csr, Ints, canonical, normalised, off_diagonal


@dataclass
class NextBasket:
    """A matrix of transitions between baskets, nearer ones worth more (a Markov chain of many steps).

    An item i that stood d baskets after h counts ``decay^(d-1)``; one that stood before it counts ``backward`` of that,
    because the order of two purchases is half chance. Rows are divided by the root of how often h was bought.
    """

    decay: float = 0.8
    backward: float = 0.5
    recency: float = 0.7
    """What each basket back counts when the customer's own history is read."""
    neighbours: int = 200
    """Kept of each item, of those on sale."""
    name: str = field(default="transitions", init=False)

    def fit(self, world: Source) -> None:
        self.catalogue: Catalogue = world.catalogue
        self.has_orders = world.has_orders
        counted = count_transitions(world, self.decay)
        near = off_diagonal(counted.both_ways(self.backward))
        worth = near.data / np.repeat(np.sqrt(np.maximum(counted.baskets, 1)), np.diff(near.indptr))
        self.next: Csr = nearest(canonical(near.indptr, near.indices, worth, near.shape), self.neighbours, world)

    def score(self, block: Block, barred: Barred) -> Csr:
        return normalised(best_of_product(recent(block, self.recency), self.next, MOST_CANDIDATES, barred))

    def explain(self, block: Block, rows: Ints, items: Ints) -> Texts:
        return because(recent(block, self.recency), self.next, rows, items, self.catalogue, is_sold=self.has_orders)
