"""What must not be shown, whatever its score: taken out before the list is cut to its length.

Belongs here: one function per rule, listed in ``RULES``. Does not belong here: scores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from ml.recommender.block import Block, Catalogue, Flags
from ml.recommender.rhythm import Rhythm
from ml.recommender.sparse import Barred, Ints, Pairs, cells

BASKET_DAYS = 7
"""What was put into the basket longer ago counts as given up."""
Mode = Literal["mixed", "repeat", "discovery"]


@dataclass(frozen=True)
class Case:
    """One block of customers before its rules."""

    catalogue: Catalogue
    rhythm: Rhythm
    block: Block
    mode: Mode = "mixed"
    has_rules: bool = True
    """False: what happened is judged, not what may be shown; then the mode alone forbids."""

    @cached_property
    def not_due(self) -> Pairs:
        return self.rhythm.not_due(self.block)

    @cached_property
    def barred(self) -> Barred:
        """What no list of a customer may hold: of what they have had, refused or put into the basket, and of all items.

        Generators leave it out before they cut, so that it does not take the place of what may be shown."""
        own = self.block.bought.union(*([self.refused, self.basket] if self.has_rules else []))
        may_be_shown = allowed(self, own.keys // max(own.columns, 1), own.keys % max(own.columns, 1))
        return Barred(Pairs(own.keys[~may_be_shown], own.columns), *self._closed())

    def _closed(self) -> tuple[Ints, Flags]:
        """The kind of each customer, and the items that no list of a kind may hold, (kinds, items)."""
        kinds, closed = self.block.may_see_sensitive.astype(np.int64), np.zeros((2, self.block.width), bool)
        for kind, somebody in zip(*np.unique(kinds, return_index=True), strict=True):
            everything = np.arange(self.block.width)
            for rule in RULES if self.has_rules else ():
                if rule in BY_ITEM:
                    closed[kind] |= rule(self, np.full(self.block.width, somebody), everything)
        return kinds, closed

    @cached_property
    def refused(self) -> Pairs:
        """Items of a category, brand or number with a negative weight."""
        rows, items, _ = cells(self.block.statements(-1) @ self.block.statement_items)
        return Pairs.of(rows, items, self.block.width)

    @cached_property
    def basket(self) -> Pairs:
        """Items put into the basket in the last days, neither taken out nor bought since."""
        block = self.block
        lately = np.flatnonzero(block.ages <= BASKET_DAYS)
        keys, where = np.unique(block.rows[lately] * block.width + block.items[lately], return_inverse=True)
        inside = np.zeros(len(keys), np.int64)
        for age in range(BASKET_DAYS, 0, -1):
            day = block.ages[lately] == age
            acts, item = lately[day], where[day]
            left = np.maximum(inside[item] + block.carts[acts] - block.removals[acts], 0)
            inside[item] = np.where(block.lines[acts] > 0, 0, left)
        return Pairs(keys[inside > 0], block.width)


def unavailable(case: Case, rows: Ints, items: Ints) -> Flags:  # noqa: ARG001
    return ~case.catalogue.is_available[items]


def sensitive(case: Case, rows: Ints, items: Ints) -> Flags:
    """Without a grant of special_category, and for everybody who gets the generic list."""
    found = case.catalogue.is_sensitive[items]
    return found & ~case.block.may_see_sensitive[rows] if found.any() else found


def refused(case: Case, rows: Ints, items: Ints) -> Flags:
    return case.refused.contains(rows, items)


def in_the_basket(case: Case, rows: Ints, items: Ints) -> Flags:
    return case.basket.contains(rows, items)


def just_bought(case: Case, rows: Ints, items: Ints) -> Flags:
    """And not due again (``ml.recommender.rhythm``)."""
    return case.not_due.contains(rows, items)


def out_of_mode(case: Case, rows: Ints, items: Ints) -> Flags:
    """New to the customer where only repeats are asked for and there is something to repeat; bought before where only
    discoveries are."""
    if case.mode == "mixed":
        return np.zeros(len(rows), bool)
    is_known = case.block.bought.contains(rows, items)
    return is_known if case.mode == "discovery" else ~is_known & (case.block.purchases[rows] > 0)


RULES: tuple[Callable[[Case, Ints, Ints], Flags], ...] = (
    unavailable,
    sensitive,
    refused,
    in_the_basket,
    just_bought,
)
"""Beside the mode."""


BY_ITEM = frozenset({unavailable, sensitive})
"""Those that ask of a customer nothing but the kind (``Case.barred``)."""


def allowed(case: Case, rows: Ints, items: Ints) -> Flags:
    """Which (customer, item) pairs no rule forbids."""
    out = ~out_of_mode(case, rows, items)
    for rule in RULES if case.has_rules else ():
        out &= ~rule(case, rows, items)
    return out


def allowed_of_proposed(case: Case, rows: Ints, items: Ints) -> Flags:
    """The same for what generators propose, with one look-up for all that is barred."""
    out = ~case.barred.contains(rows, items)
    return out & ~out_of_mode(case, rows, items) if case.mode == "repeat" else out


def allowed_to_fill(case: Case, rows: Ints, items: Ints) -> Flags:
    """The same where a list would be short: who has few things to repeat may see a new one."""
    return allowed(replace(case, mode="mixed") if case.mode == "repeat" else case, rows, items)


def allowed_unprofiled(case: Case, rows: Ints, items: Ints) -> Flags:
    """The same for lists that ask nothing of a customer but what they refused themselves."""
    return ~(unavailable(case, rows, items) | case.catalogue.is_sensitive[items] | refused(case, rows, items))
