"""What is popular in the categories that the customer buys from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ml.recommender.block import Block, Catalogue, Source, Texts
from ml.recommender.cuts import best_of_product, top
from ml.recommender.decay import UNIT, weights
from ml.recommender.popularity import popularity
from ml.recommender.protocol import MOST_CANDIDATES, on_sale, touched_categories
from ml.recommender.sparse import Barred, Csr, Ints, at, matrix, normalised


@dataclass
class CategoryPopularity:
    """Share of each category in the customer's own purchases and views, times share of each item in its category."""

    half_life_days: float = 365.0
    """Of the customer's own purchases."""
    recent_days: float = 90.0
    """Half-life of popularity within the category."""
    view_weight: float = 0.2
    """What a view tells of a taste, in purchases."""
    items_each: int = 40
    """Of one category."""
    name: str = field(default="category_popularity", init=False)

    def fit(self, world: Source) -> None:
        self.catalogue: Catalogue = world.catalogue
        category, names = world.catalogue.categories
        self.words = np.array([f"Popular in {path.split(' > ')[-1]}, which you like" for path in names], dtype=object)
        shares = popularity(world, half_life_days=self.recent_days, shrinkage=0).overall
        items = np.flatnonzero((category >= 0) & (shares > 0) & on_sale(world)).astype(np.int64)
        within = matrix(shares[items], category[items], items, (len(names), world.catalogue.size))
        self.within: Csr = normalised(top(within, self.items_each))
        ones = matrix(np.ones(len(items)), items, category[items], (world.catalogue.size, len(names)))
        self.category_of: Csr = ones

    def score(self, block: Block, barred: Barred) -> Csr:
        acts = np.minimum(block.lines, 1) + self.view_weight * block.views
        worth = matrix(
            acts * weights(block.ages, self.half_life_days) / UNIT, block.rows, block.items, (len(block), block.width)
        )
        tastes = normalised((worth @ self.category_of).tocsr())
        return normalised(best_of_product(tastes, self.within, MOST_CANDIDATES, barred))

    def explain(self, block: Block, rows: Ints, items: Ints) -> Texts:
        kind = self.catalogue.categories[0][items]  # known: only items of a category are proposed
        is_liked = at(touched_categories(block, self.catalogue), rows, kind) > 0
        return np.where(is_liked, self.words[kind], "Popular right now")
