"""Items, and customers with what they did, as arrays.

Belongs here: the two dataclasses that everything in this package works on, and what a source of them looks like. Does
not belong here: the sources (``data`` reads a shop's files, ``evaluation.log`` any log), what counts or scores.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ml.recommender.repeats import Repeats, repeats
from ml.recommender.sparse import Csr, Floats, Ints, Pairs, cells, matrix

Flags = NDArray[np.bool_]
Texts = NDArray[np.object_]
ACTS = ("items", "ages", "steps", "lines", "views", "carts", "removals")
"""Arrays of a block with one entry per interaction, beside ``rows``."""
NEWCOMER = "prospect"
"""Who has bought nothing yet, in the name of a segment after its country (``recommender_customers.sql``)."""


@dataclass(frozen=True)
class Catalogue:
    """Items 0 .. n - 1, by product id."""

    product_ids: Texts
    names: Texts
    category_paths: Texts
    """None where the shop does not say."""
    brands: Texts
    prices: Floats
    """NaN where the shop does not say."""
    is_available: Flags
    is_sensitive: Flags
    launch_ages: Floats
    """Days from the launch to the as-of, NaN where the shop does not say."""

    @property
    def size(self) -> int:
        return len(self.product_ids)

    def label(self, items: Ints) -> Texts:
        """How items are called; those without a name by their number."""
        return np.where(self.names[items] == None, self.product_ids[items], self.names[items])  # noqa: E711

    @cached_property
    def categories(self) -> tuple[Ints, list[str]]:
        """Index of each item's narrowest category, -1 where it has none, and the categories."""
        known = sorted({path for path in self.category_paths if path})
        index = {path: number for number, path in enumerate(known)}
        return np.array([index.get(path, -1) for path in self.category_paths], np.int64), known

    def matching(self, attribute: str, value: str) -> Ints:
        """Items that a stated preference speaks of; a category stands for all below it."""
        if attribute == "category":
            hits = [bool(path) and (path + " > ").startswith(value + " > ") for path in self.category_paths]
        else:
            hits = list((self.brands if attribute == "brand" else self.product_ids) == value)
        return np.flatnonzero(hits)


class Statement(NamedTuple):
    """A thing that anybody said they want, or want not."""

    attribute: str
    """``category``, ``brand`` or ``product``."""
    value: str
    is_sensitive: bool
    """To want it says something that only a grant of special_category allows to use."""


@dataclass(frozen=True)
class Block:
    """Some customers and what they did before the as-of; interactions by customer, item and age.

    ``rows`` and ``items`` index customers and items; ``ages`` are days back, yesterday is 1; ``lines`` are purchases
    (in a shop without orders, events that concern the item).
    """

    customers: Texts
    segments: Ints
    """Index into ``World.segments``, -1 for people who may not be profiled."""
    may_personalise: Flags
    may_see_sensitive: Flags
    rows: Ints
    items: Ints
    ages: Ints
    steps: Ints
    """Purchases only: baskets of this customer that came later; 0 is the latest."""
    lines: Ints
    views: Ints
    carts: Ints
    removals: Ints
    stated: Csr
    """Customers by ``World.statements``: weight from -1 to 1."""
    statement_items: Csr
    """Statements by items: 1 where the statement speaks of the item."""
    width: int
    """Items in the catalogue."""

    def __len__(self) -> int:
        return len(self.customers)

    def only(self, rows: Ints) -> Block:
        """Some of its customers, given in ascending order."""
        if len(rows) == len(self):
            return self
        place = np.full(len(self), -1, np.int64)
        place[rows] = np.arange(len(rows))
        kept = place[self.rows] >= 0
        acts = {name: getattr(self, name)[kept] for name in ACTS}
        flags = {name: getattr(self, name)[rows] for name in ("segments", "may_personalise", "may_see_sensitive")}
        own = {"customers": self.customers[rows], "rows": place[self.rows[kept]], "stated": self.stated[rows]}
        return replace(self, **own, **acts, **flags)

    def without_history(self, segments: list[str]) -> Block:
        """The same customers as if they had done nothing yet; what they said stays.

        Their segment is that of newcomers of the same country, none where there is no such; ``segments`` are those of
        the source.
        """
        names = [f"{name.rpartition('/')[0]}/{NEWCOMER}" for name in segments]
        own = np.array([*(segments.index(name) if name in segments else -1 for name in names), -1], np.int64)
        return replace(self, segments=own[self.segments], **{name: getattr(self, name)[:0] for name in ("rows", *ACTS)})

    @cached_property
    def bought(self) -> Pairs:
        kept = self.lines > 0
        return Pairs.of(self.rows[kept], self.items[kept], self.width)

    @property
    def bought_matrix(self) -> Csr:
        """Customers by items: 1 where it was bought."""
        keys = self.bought.keys
        return matrix(np.ones(len(keys), np.float32), keys // self.width, keys % self.width, (len(self), self.width))

    @cached_property
    def repeats(self) -> Repeats:
        """What each customer bought, item by item."""
        kept = self.lines > 0
        return repeats(self.rows[kept], self.items[kept], self.ages[kept], self.width)

    @cached_property
    def purchases(self) -> Ints:
        """Items on days bought by each customer, (customers,)."""
        return np.bincount(self.rows[self.lines > 0], minlength=len(self)).astype(np.int64)

    @cached_property
    def is_stranger(self) -> Flags:
        """Who neither did nor said anything, (customers,)."""
        return (np.bincount(self.rows, minlength=len(self)) == 0) & (np.diff(self.stated.tocsr().indptr) == 0)

    def spread(self, values: Ints, kept: Flags | None = None) -> Csr:
        """Customers by items, values of one cell added."""
        chosen = np.ones(len(self.rows), bool) if kept is None else kept
        return matrix(values[chosen], self.rows[chosen], self.items[chosen], (len(self), self.width))

    def statements(self, sign: int) -> Csr:
        """Customers by statements: the weights of that sign, as positive numbers."""
        rows, columns, weights = cells(self.stated)
        return matrix(np.maximum(sign * weights, 0), rows, columns, self.stated.shape)


class Source(Protocol):
    """Items and customers as known before one instant; ``blocks`` may be gone through as often as a generator needs."""

    @property
    def catalogue(self) -> Catalogue: ...

    @property
    def segments(self) -> list[str]: ...

    @property
    def statements(self) -> list[Statement]:
        """Each thing that anybody spoke of."""

    @property
    def has_orders(self) -> bool:
        """Whether the shop sells; else what people look at stands for what they buy."""

    @property
    def has_rules(self) -> bool:
        """Whether the rules of a shop stand before a list is cut; a log is judged by what happened."""

    def blocks(self, *, profiled: bool = True) -> Iterator[Block]:
        """Customers in a fixed order; ``profiled``: only those who may teach."""
