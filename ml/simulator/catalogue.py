"""What the shop sells: items, their popularity, what goes with what, and price changes.

Belongs here: the items and how a basket's items are drawn from tastes. Does not belong here: who buys when.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.simulator.config import WorldConfig
from ml.simulator.draws import stream

Ints = npt.NDArray[np.int64]

CATEGORIES = (
    "Home > Kitchen", "Home > Textiles", "Home > Decoration", "Garden > Plants", "Garden > Tools", "Sports > Outdoor",
    "Sports > Fitness", "Books > Novels", "Toys > Wooden toys", "Beauty > Care", "Food > Pantry",
    "Health > Intimate health",
)  # fmt: skip
SENSITIVE_CATEGORY = len(CATEGORIES) - 1
BRANDS = ("Alder", "Birke", "Cedro", "Dorn", "Esche", "Fichte", "Ginkgo", "Hasel")
NOUNS = ("Basket", "Blanket", "Lamp", "Bowl", "Shears", "Bottle", "Mat", "Story", "Blocks", "Cream", "Tea", "Balm")


@dataclass(frozen=True)
class Catalogue:
    """Items 0 .. n - 1, ordered by category; prices in cents."""

    category: Ints
    price: Ints
    cost: Ints
    popularity: npt.NDArray[np.float64]
    """Within the category, sums to one per category."""
    companion: Ints
    """The item that often goes into the same basket."""
    launched_day: Ints
    change_day: Ints
    """Day of a new price, or -1."""
    new_price: Ints
    gone_day: Ints
    """Day from which it cannot be bought any more, or -1."""

    @property
    def size(self) -> int:
        return len(self.category)

    def price_on(self, item: Ints, day: Ints) -> Ints:
        changed = (self.change_day[item] >= 0) & (day >= self.change_day[item])
        return np.where(changed, self.new_price[item], self.price[item])

    def draw(self, category: Ints, uniform: npt.NDArray[np.float64]) -> Ints:
        """One item for each wanted category, by popularity."""
        first = np.searchsorted(self.category, category)
        ladder = np.cumsum(self.popularity) - self.category  # within each category from 0 to 1
        item = np.searchsorted(ladder + 2 * self.category, uniform + 2 * category)
        last = np.searchsorted(self.category, category, side="right") - 1
        return np.clip(item, first, last)


def make_catalogue(config: WorldConfig) -> Catalogue:
    random = stream(config.seed, "catalogue")
    size = config.products
    category = np.sort(np.arange(size) % len(CATEGORIES))
    start = np.searchsorted(category, category)
    popularity = (np.arange(size) - start + 2.0) ** -0.8
    popularity = popularity / np.bincount(category, weights=popularity)[category]
    price = np.round(np.exp(random.normal(2.9, 0.6, size)) * 100 / 5).astype(np.int64) * 5 + 100
    changes = random.random(size) < 0.2
    gone = random.random(size) < 0.04
    return Catalogue(
        category=category,
        price=price,
        cost=np.round(price * random.uniform(0.4, 0.7, size)).astype(np.int64),
        popularity=popularity.astype(np.float64),
        companion=random.permutation(size),
        launched_day=-random.integers(10, 900, size),
        change_day=np.where(changes, random.integers(20, config.days, size), -1),
        new_price=np.round(price * random.uniform(0.85, 1.2, size)).astype(np.int64),
        gone_day=np.where(gone, config.days - random.integers(5, max(6, config.days // 4), size), -1),
    )
