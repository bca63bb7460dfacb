"""What a candidate generator is.

Belongs here: the protocol, and how generators read a customer's history. Does not belong here: a generator
(``ml.recommender.generators``: one file each, one line in the list there, nothing else moves).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ml.recommender.block import Block, Catalogue, Flags, Source, Texts
from ml.recommender.cuts import strongest, top
from ml.recommender.sparse import Barred, Csr, Ints, decayed, matrix, of_columns

MOST_CANDIDATES = 100
"""Of one generator for one customer."""


class Generator(Protocol):
    """Learns from what was known before an as-of, then proposes items to blocks of customers.

    Its constructor takes its parameters and nothing else; they are kept in the model.
    """

    @property
    def name(self) -> str:
        """Published as the source of a row."""

    def fit(self, world: Source) -> None:
        """Learn from the customers who may be profiled, in one pass over ``world.blocks()`` or several.

        Counts must be whole numbers, so that block sizes and threads change no bit of them.
        """

    def score(self, block: Block, barred: Barred) -> Csr:
        """Customers by items: an estimate of the share of each item in the customer's next purchases.

        Each row sums to one, or is empty where the generator has nothing to say; at most ``MOST_CANDIDATES`` entries,
        of which none need be barred (``rules`` take out all that may not be shown).
        Threads change no bit, nor do block sizes where nothing dense is multiplied: the order in which BLAS adds
        depends on the shape, so that ``factors`` differs by some 1e-8 from one block size to another.
        """

    def explain(self, block: Block, rows: Ints, items: Ints) -> Texts:
        """Words for chosen cells of ``score``, that the customer may read."""


def on_sale(world: Source) -> Flags:
    """Items that somebody's list may hold, (items,): a generator that keeps few of many counts no others."""
    return world.catalogue.is_available | (not world.has_rules)


def nearest(near: Csr, count: int, world: Source) -> Csr:
    """The ``count`` highest of each row of items by items, among those on sale; ``near`` itself is used up."""
    closed = ~on_sale(world)
    if closed.any():
        near.data[closed[near.indices]] = 0
        near.eliminate_zeros()
    return top(near, count)


def recent(block: Block, base: float) -> Csr:
    """Customers by items they bought, each purchase worth ``base`` to the power of the baskets that came later."""
    kept = block.lines > 0
    return matrix(decayed(block.steps[kept], base), block.rows[kept], block.items[kept], (len(block), block.width))


def because(history: Csr, near: Csr, rows: Ints, items: Ints, catalogue: Catalogue, *, is_sold: bool) -> Texts:
    """Words for items that followed from a customer's own: which of these adds most to ``history @ near``."""
    return followed(most_fitting(history, near, rows, items, catalogue), catalogue, is_sold=is_sold)


def followed(which: Ints, catalogue: Catalogue, *, is_sold: bool) -> Texts:
    """The words, given which of the customer's own it was; -1 where none can be named."""
    named = f"Because you {chosen(is_sold=is_sold)} " + catalogue.label(np.maximum(which, 0))
    return np.where(which >= 0, named, f"Like what you {chosen(is_sold=is_sold)} before")


def chosen(*, is_sold: bool) -> str:
    """What people did with the items of their history."""
    return "bought" if is_sold else "chose"


def most_fitting(history: Csr, near: Csr, rows: Ints, items: Ints, catalogue: Catalogue) -> Ints:
    """Which of a customer's own items adds most to each cell of ``history @ near``; -1 where none can be named.

    A sensitive item is never named beside another: who withdraws the permission to see it no longer sees its own row,
    but would still see that of the other.
    """
    return strongest(of_columns(history, ~catalogue.is_sensitive), near, rows, items)


def once_more(catalogue: Catalogue, items: Ints, *, is_sold: bool) -> Texts:
    """Words for items of the customer's own."""
    return f"You {'bought' if is_sold else 'looked at'} " + catalogue.label(items) + " before"


def touched_categories(block: Block, catalogue: Catalogue) -> Csr:
    """Customers by categories: how often they bought or looked at something of it that is not sensitive."""
    category, names = catalogue.categories
    kind = category[block.items]
    kept = (kind >= 0) & (block.lines + block.views + block.carts > 0) & ~catalogue.is_sensitive[block.items]
    return matrix(np.ones(kept.sum()), block.rows[kept], kind[kept], (len(block), len(names)))
