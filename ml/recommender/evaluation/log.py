"""A log of interactions as arrays, and what of it was known at a split, as a source of blocks.

Belongs here: numbering users and items, baskets and their order. Does not belong here: which rows a split takes
(``protocols``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from ml.recommender.block import Block, Catalogue, Flags, Statement, Texts
from ml.recommender.evaluation.files import Rows
from ml.recommender.sparse import Csr, Floats, Ints, matrix

BLOCK_CUSTOMERS = 2_000


@dataclass(frozen=True)
class Log:
    """Rows by user, then by basket, oldest first."""

    users: Texts
    """Names, in order; ``user`` indexes them."""
    catalogue: Catalogue
    user: Ints
    item: Ints
    basket: Ints
    """Number of the basket within its user, from 0."""
    when: Floats
    """Days since 1970 of each row, also of those of one basket; where the file tells an order only, the number of the
    basket."""
    is_time: bool
    is_ordered: bool
    """Whether the file tells which rows come first."""
    row: Ints
    """Place of each in the file."""

    def __len__(self) -> int:
        return len(self.user)

    @cached_property
    def baskets(self) -> Ints:
        """How many each user has, (users,)."""
        out = np.zeros(len(self.users), np.int64)
        np.maximum.at(out, self.user, self.basket + 1)
        return out

    def steps(self, kept: Ints) -> Ints:
        """Of rows that are kept, given in ascending order, how many baskets with any of these the user had later."""
        user, basket = self.user[kept], self.basket[kept]
        new = np.append(True, (user[1:] != user[:-1]) | (basket[1:] != basket[:-1]))[: len(user)]
        number = np.cumsum(new)
        last = np.zeros(len(self.users), np.int64)
        np.maximum.at(last, user, number)
        return last[user] - number


def make_log(rows: Rows, attributes: Mapping[str, Mapping[str, Any]] | None = None, *, seed: int = 7) -> Log:
    """Number users and items, and tell baskets apart: by the file's own, else what has one instant is one.

    Baskets follow each other as they began, so that no later row changes what came before it.
    """
    users, user = np.unique(rows.users.astype(str), return_inverse=True)
    known = sorted(set(rows.items.astype(str).tolist()) | set(attributes or {}))
    shuffled = np.random.default_rng(seed).permutation(len(known))
    number = {known[place]: code for code, place in enumerate(shuffled.tolist())}
    item = np.array([number[name] for name in rows.items.astype(str).tolist()], np.int64)
    when = np.zeros(len(user)) if rows.when is None else rows.when
    if rows.baskets is not None:
        _, named = np.unique(rows.baskets.astype(str), return_inverse=True)
        _, own = np.unique(user * (int(named.max(initial=0)) + 1) + named, return_inverse=True)
        first = np.full(int(own.max(initial=-1)) + 1, np.inf)
        np.minimum.at(first, own, when)
        began = first[own]
    else:
        own, began = np.zeros(len(user), np.int64), when
    order = np.lexsort((item, when, own, began, user))
    user, item, when, own = user[order].astype(np.int64), item[order], when[order], own[order]
    began = began[order]
    new = np.append(True, (user[1:] != user[:-1]) | (began[1:] != began[:-1]) | (own[1:] != own[:-1]))[: len(user)]
    count = np.cumsum(new) - 1
    first = np.append(True, user[1:] != user[:-1])[: len(user)]
    basket = count - np.repeat(count[first], np.diff(np.append(np.flatnonzero(first), len(user))))
    catalogue = _catalogue(np.array(known, object)[shuffled], attributes or {})
    when = when if rows.is_time else basket.astype(float)
    is_ordered = rows.when is not None
    return Log(users.astype(object), catalogue, user, item, basket, when, rows.is_time, is_ordered, order)


def _catalogue(names: Texts, attributes: Mapping[str, Mapping[str, Any]]) -> Catalogue:
    def told(trait: str) -> Texts:
        return np.array([attributes.get(name, {}).get(trait) for name in names], object)

    return Catalogue(
        product_ids=names,
        names=told("name"),
        category_paths=told("category"),
        brands=told("brand"),
        prices=np.array([np.nan if price is None else price for price in told("price")], float),
        is_available=np.ones(len(names), bool),
        is_sensitive=np.zeros(len(names), bool),
        launch_ages=np.full(len(names), np.nan),
    )


class LogSource:
    """Some rows of a log as they were known at each user's cut; everybody teaches, nobody has said anything.

    ``people`` are the users that exist at the cut, with rows or without.
    """

    segments: ClassVar[list[str]] = [""]
    statements: ClassVar[list[Statement]] = []
    has_orders = True
    has_rules = False

    def __init__(self, log: Log, kept: Flags, cut: Floats, people: Ints) -> None:
        self.log, self.people, self.catalogue = log, people, log.catalogue
        place = np.full(len(log.users), -1, np.int64)
        place[people] = np.arange(len(people))
        chosen = np.flatnonzero(kept & (place[log.user] >= 0))
        user, item, steps = log.user[chosen], log.item[chosen], log.steps(chosen)
        days = np.ceil(cut[user] - log.when[chosen]) if log.is_time else steps + 1
        age = np.maximum(days, 1).astype(np.int64)
        order = np.lexsort((age, item, place[user]))
        self._rows, self._items, self._ages = place[user][order], item[order], age[order]
        self._steps = steps[order]

    def blocks(self, *, profiled: bool = True) -> Iterator[Block]:  # noqa: ARG002
        for start in range(0, len(self.people), BLOCK_CUSTOMERS):
            yield self._block(start, min(start + BLOCK_CUSTOMERS, len(self.people)))

    def _block(self, start: int, stop: int) -> Block:
        own = slice(*np.searchsorted(self._rows, [start, stop]))
        n, acts = stop - start, own.stop - own.start
        nothing: Csr = matrix(np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64), (n, 0))
        return Block(
            customers=self.log.users[self.people[start:stop]],
            segments=np.zeros(n, np.int64),
            may_personalise=np.ones(n, bool),
            may_see_sensitive=np.ones(n, bool),
            rows=self._rows[own] - start,
            items=self._items[own],
            ages=self._ages[own],
            steps=self._steps[own],
            lines=np.ones(acts, np.int64),
            views=np.zeros(acts, np.int64),
            carts=np.zeros(acts, np.int64),
            removals=np.zeros(acts, np.int64),
            stated=nothing,
            statement_items=matrix(np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64), (0, self.catalogue.size)),
            width=self.catalogue.size,
        )
