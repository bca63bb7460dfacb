"""What is popular with customers alike: of the country, who bought about as often. Speaks for the unknown, too."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ml.recommender.block import Block, Source, Texts
from ml.recommender.cuts import best_of_product, top
from ml.recommender.popularity import popularity
from ml.recommender.protocol import MOST_CANDIDATES, on_sale
from ml.recommender.sparse import Barred, Csr, Ints, matrix, normalised


@dataclass
class SegmentPopularity:
    """Recent popularity within the segment, drawn towards everybody's where the segment bought little."""

    half_life_days: float = 60.0
    shrinkage: float = 500.0
    """Purchases of everybody that weigh as much as the segment's own."""
    items_each: int = 300
    """Of one segment, so that who has had the first hundred hears of others."""
    name: str = field(default="segment_popularity", init=False)

    def fit(self, world: Source) -> None:
        found = popularity(world, half_life_days=self.half_life_days, shrinkage=self.shrinkage).by_segment
        segments, items = np.nonzero(found * on_sale(world))
        shares = matrix(found[segments, items], segments, items, (len(world.segments), world.catalogue.size))
        self.shares: Csr = top(shares, self.items_each)

    def score(self, block: Block, barred: Barred) -> Csr:
        known = np.flatnonzero(block.segments >= 0)
        who = matrix(np.ones(len(known)), known, block.segments[known], (len(block), self.shares.shape[0]))
        return normalised(best_of_product(who, self.shares, MOST_CANDIDATES, barred))

    def explain(self, block: Block, rows: Ints, items: Ints) -> Texts:  # noqa: ARG002
        return np.full(len(items), "Popular right now", dtype=object)
