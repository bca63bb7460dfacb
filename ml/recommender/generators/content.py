"""Items of few buyers that are like what the customer bought: the same kind, brand, price, words in the name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from ml.recommender.block import Block, Catalogue, Flags, Source, Texts
from ml.recommender.cuts import best_of_product, top
from ml.recommender.protocol import MOST_CANDIDATES, chosen, followed, most_fitting, on_sale, recent, touched_categories
from ml.recommender.sparse import Barred, Csr, Ints, at, cells, matrix, normalised

WORD = re.compile(r"[^\W\d_]{3,}")
PRICE_STEPS = 2.0
"""Steps per doubling of the price."""
NEW_DAYS = 90
"""Since its launch an item is called new. Of one whose launch the shop does not tell nobody knows."""
COMMON, MOST_CARRIERS = 0.1, 2_000
"""Share and number of items that carry a trait, beyond which it says too little for what it costs."""


@dataclass
class Content:
    """Cosine of what is known of two items, each word or value weighted by how rare it is (Salton, Buckley 1988).

    It proposes items that fewer than ``known_from`` customers have bought: of others their buyers tell more.
    """

    known_from: int = 20
    recency: float = 0.8
    """What each basket back counts when the customer's own history is read."""
    neighbours: int = 50
    """Items of few buyers kept of each item."""
    name: str = field(default="content", init=False)

    def fit(self, world: Source) -> None:
        self.catalogue: Catalogue = world.catalogue
        self.has_orders = world.has_orders
        self.stated: Csr = _stated(world)
        buyers = np.zeros(world.catalogue.size, np.int64)
        for block in world.blocks():
            buyers += np.bincount(block.spread((block.lines > 0).astype(np.int64)).indices, minlength=block.width)
        known = described(world.catalogue)
        fresh = np.flatnonzero((buyers < self.known_from) & on_sale(world))
        new = matrix(np.ones(len(fresh)), fresh, fresh, (len(buyers), len(buyers)))
        near = (known @ (new @ known).T).tocsr()
        rows, items, cosine = cells(near)
        apart = rows != items
        self.near: Csr = top(matrix(cosine[apart].round(9), rows[apart], items[apart], near.shape), self.neighbours)

    def score(self, block: Block, barred: Barred) -> Csr:
        return normalised(best_of_product(recent(block, self.recency), self.near, MOST_CANDIDATES, barred))

    def explain(self, block: Block, rows: Ints, items: Ints) -> Texts:
        which = most_fitting(recent(block, self.recency), self.near, rows, items, self.catalogue)
        new = self._is_new(block, rows, items)
        before = f"what you {chosen(is_sold=self.has_orders)} before"
        like = np.where(which >= 0, self.catalogue.label(np.maximum(which, 0)), before)
        words = np.where(new, "New, and like " + like, followed(which, self.catalogue, is_sold=self.has_orders))
        kind, names = self.catalogue.categories
        liked = touched_categories(block, self.catalogue) + block.statements(+1) @ self.stated
        known = np.flatnonzero(kind[items] >= 0)
        for cell in known[at(liked, rows[known], kind[items[known]]) > 0]:
            leaf = names[kind[items[cell]]].split(" > ")[-1]
            words[cell] = f"{'New in' if new[cell] else 'In'} {leaf}, which you like"
        return words

    def _is_new(self, block: Block, rows: Ints, items: Ints) -> Flags:
        age = self.catalogue.launch_ages[items]
        return (age >= 0) & (age <= NEW_DAYS) & ~block.bought.contains(rows, items)


def _stated(world: Source) -> Csr:
    """Statements by categories: 1 where the statement is of that very category, and no sensitive one."""
    number = {name: kind for kind, name in enumerate(world.catalogue.categories[1])}
    kinds = [
        number.get(value, -1) if attribute == "category" and not is_sensitive else -1
        for attribute, value, is_sensitive in world.statements
    ]
    told = np.flatnonzero(np.array(kinds, np.int64) >= 0)
    return matrix(np.ones(len(told)), told, np.array(kinds, np.int64)[told], (len(kinds), len(number)))


def described(catalogue: Catalogue) -> Csr:
    """Items by what is known of them, rows of length one; empty rows where nothing is."""
    told = [_traits(catalogue, item) for item in range(catalogue.size)]
    known = {trait: number for number, trait in enumerate(sorted({trait for own in told for trait in own}))}
    items = np.repeat(np.arange(len(told)), [len(own) for own in told])
    columns = np.array([known[trait] for own in told for trait in own], np.int64)
    whole = matrix(np.ones(len(items)), items, columns, (len(told), len(known)))
    carried = np.bincount(whole.indices, minlength=len(known))
    rarity = np.log(max(catalogue.size, 1) / np.maximum(carried, 1))
    rarity[carried > max(min(COMMON * catalogue.size, MOST_CARRIERS), 2)] = 0
    whole.data = rarity[whole.indices]
    whole.eliminate_zeros()
    rows, columns, values = cells(whole)
    length = np.sqrt(np.bincount(rows, values**2, len(told)))
    return matrix(values / length[rows], rows, columns, whole.shape)


def _traits(catalogue: Catalogue, item: int) -> list[str]:
    """Every level of the category, the brand, a step of the price, the words of the name."""
    path, brand, price, name = (
        of[item] for of in (catalogue.category_paths, catalogue.brands, catalogue.prices, catalogue.names)
    )
    levels = path.split(" > ") if path else []
    traits = {"category " + " > ".join(levels[: depth + 1]) for depth in range(len(levels))}
    if brand:
        traits.add(f"brand {brand}")
    if price > 0:
        traits.add(f"price {round(float(np.log2(price)) * PRICE_STEPS)}")
    return sorted(traits | {f"word {word}" for word in WORD.findall((name or "").casefold())})
