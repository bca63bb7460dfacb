"""Which generators a shop gets, and in which mode, by its own data.

Belongs here: what is looked at and what follows from it, in words. Does not belong here: how much a generator then
counts (``blend``, ``ranker``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ml.recommender.block import Source
from ml.recommender.copurchase import MOST_ITEMS
from ml.recommender.generators import GENERATORS
from ml.recommender.rules import Mode
from ml.recommender.sparse import Floats

EASE_ITEMS = 20_000
"""Items squared in single precision, three times over, are 5 GB here."""
FACTOR_ITEMS = 200_000
LONG_SHARE = 0.5
"""From this share of what was bought on that is of people with long histories, these are read whole."""
REPEAT_SHARE = 0.95
"""From this share of purchases that are repeats on, nothing new is shown."""
DISCOVERY_SHARE = 0.05
"""Up to this share of purchases that are repeats, nothing known is shown."""
LEAST_WEIGHT, MANY_CUSTOMERS = 0.01, 100_000
SPEED, SCATTERED = 30e9, 0.5e9
"""Operations per second that a time budget counts with, on whole matrices and here and there in sparse ones: a nominal
core, so that the same data is the same choice."""
EACH_CUSTOMER = 20e-6
"""Seconds for what any generator proposes to a customer: cut, rules, shares, ranks."""


@dataclass(frozen=True)
class Profile:
    """What a source looks like."""

    items: int
    customers: int
    purchases: int
    pairs: int
    """Distinct customers and items among the purchases."""
    baskets: int
    views: int
    statements: int
    long_share: float
    """Share of these pairs that are of customers with more items than ``ease`` counts of one."""
    has_traits: bool
    """Some item has a category, a brand or a price."""
    has_categories: bool

    @property
    def repeats(self) -> bool:
        """Whether anybody buys anything twice."""
        return self.pairs < self.purchases


def look(source: Source) -> Profile:
    """Go through the blocks once."""
    customers = purchases = pairs = views = baskets = long = 0
    for block in source.blocks():
        kept = block.lines > 0
        customers += len(block)
        purchases += int(kept.sum())
        had = np.bincount(block.bought.keys // max(block.width, 1))
        pairs += int(had.sum())
        long += int(had[had > MOST_ITEMS].sum())
        views += int((block.views + block.carts).sum()) if source.has_orders else 0
        deepest = int(block.steps[kept].max(initial=0)) + 1
        baskets += len(np.unique(block.rows[kept] * deepest + block.steps[kept]))
    known = source.catalogue
    has_categories = any(known.category_paths)
    return Profile(
        known.size, customers, purchases, pairs, baskets, views, len(source.statements),
        long / max(pairs, 1),
        has_categories or any(known.brands) or bool(np.isfinite(known.prices).any()), has_categories,
    )  # fmt: skip


@dataclass(frozen=True)
class Left:
    """A generator that is not used, and why."""

    name: str
    reason: str


NEEDS: dict[str, tuple[Callable[[Profile], bool], str]] = {
    "repurchase": (lambda shop: shop.repeats, "nobody buys anything twice"),
    "due_again": (lambda shop: shop.repeats, "nobody buys anything twice"),
    "transitions": (lambda shop: shop.baskets > shop.customers, "hardly anybody came back"),
    "ease": (lambda shop: shop.items <= EASE_ITEMS, f"more than {EASE_ITEMS:,} items"),
    "ease_unordered": (
        lambda shop: shop.items <= EASE_ITEMS and shop.long_share >= LONG_SHARE,
        f"histories are short, or there are more than {EASE_ITEMS:,} items",
    ),
    "factors": (lambda shop: shop.items <= FACTOR_ITEMS, f"more than {FACTOR_ITEMS:,} items"),
    "bought_together": (lambda shop: shop.baskets < shop.purchases, "no basket has several items"),
    "content": (lambda shop: shop.has_traits, "items have neither category, brand nor price"),
    "category_popularity": (lambda shop: shop.has_categories, "items have no categories"),
    "viewed": (lambda shop: shop.views > 0, "nothing but purchases is known"),
    "stated": (lambda shop: shop.statements > 0, "nobody stated a preference"),
}
"""By generator, what must hold and what is said where it does not; a generator without an entry is always used."""


def choose(shop: Profile, names: Sequence[str]) -> tuple[list[str], list[Left]]:
    """Generators that can say something of this shop, and those that cannot."""
    used, left = [], []
    for name in names:
        holds, reason = NEEDS.get(name, (lambda _: True, ""))
        if holds(shop):
            used.append(name)
        else:
            left.append(Left(name, reason))
    return used, left


def costs(shop: Profile, names: Sequence[str]) -> dict[str, float]:
    """Seconds that fitting and everybody's lists are expected to take, counted on a nominal core."""
    each = max(shop.pairs / max(shop.customers, 1), 1)
    walk = shop.pairs * each / SCATTERED
    listed = shop.customers * EACH_CUSTOMER
    near = {name: shop.pairs * getattr(GENERATORS[name](), "neighbours", 0) / SCATTERED + listed for name in names}
    more = {
        **dict.fromkeys(("ease", "ease_unordered"), 2.4 * float(shop.items) ** 3 / SPEED),
        "transitions": 20 * walk,
        "factors": (
            16 * ((shop.customers + shop.items) * 64**3 + 64**2 * shop.pairs) + 128 * float(shop.customers) * shop.items
        )
        / SPEED,
    }
    return {name: walk + near[name] + more.get(name, 0.0) for name in names}


def within_budget(
    names: Sequence[str], seconds: float, cost: dict[str, float], usefulness: dict[str, float]
) -> tuple[list[str], list[Left]]:
    """Drop the least useful generators, one by one, until the others fit into the time.

    Parameters
    ----------
    usefulness
        What each counted when it was last weighed; a generator that was not weighed is as useful as the best.
    """
    kept, left = list(names), []
    for name in sorted(names, key=lambda one: (usefulness.get(one, 1.0), -cost[one], one)):
        if sum(cost[one] for one in kept) <= seconds or len(kept) == 1:
            break
        kept.remove(name)
        left.append(Left(name, f"the time budget of {seconds:g} s leaves no room for {cost[name]:.1f} s"))
    return kept, left


def counted(names: Sequence[str], weights: Floats, customers: int) -> tuple[list[str], list[Left]]:
    """Leave out what next to no purchase spoke for, where so many customers would pay for it.

    Parameters
    ----------
    weights
        What each counted for each group of customers, (groups, generators).
    """
    idle = (weights.max(axis=0) < LEAST_WEIGHT) & (customers >= MANY_CUSTOMERS)
    reason = f"it counts for less than {LEAST_WEIGHT:.0%} with everybody, and {customers:,} customers would wait for it"
    left = [Left(name, reason) for name, is_idle in zip(names, idle, strict=True) if is_idle]
    return [name for name, is_idle in zip(names, idle, strict=True) if not is_idle], left


def without_new_items(customers: int) -> list[Left]:
    """Why what is new to a customer has no order of its own (``new_items``); empty where it has one."""
    reason = f"to look so deep takes as long as all else, and {customers:,} customers would wait for it"
    return [Left("new_items", reason)] if customers >= MANY_CUSTOMERS else []


def mode_of(repeat_share: float, repeat_share_of_known: float) -> Mode:
    """What lists hold, by the share of purchases in a window that were of items bought before: nothing known only where
    those who could repeat did not, nothing new only where hardly anybody bought anything new."""
    if repeat_share_of_known <= DISCOVERY_SHARE:
        return "discovery"
    return "repeat" if repeat_share >= REPEAT_SHARE else "mixed"


MODE_WORDS = {
    "discovery": "discovery only",
    "repeat": "next basket of known items",
    "mixed": "next basket with repeats and discoveries",
}
