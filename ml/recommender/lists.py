"""From scores to lists: the best that is allowed, filled up from popularity, with slots for discovery.

Belongs here: which item stands where, why it got there and with which probability. Does not belong here: words.

A list has ``length`` places, of which ``discovery_slots`` lie spread over it. The others hold the highest scores in
calibrated order (``calibration``), with probability 1 given the data. Each discovery slot is drawn among the next
``POOL`` items that are new to the customer, by a hash of seed, as-of, customer and slot: an item's chance is half an
even one, half its share of the pool's scores; that chance, given the rows drawn before, is the row's propensity. So
every item of the pool has a known chance that is never near zero, which off-policy estimates need. Where nothing new is
left to draw, the next best of the customer's own takes the slot. What is still missing is filled up with the most
popular items that are allowed, then with what nobody bought lately, the newest first (``is_fallback``, probability 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import md5

import numpy as np

from ml.recommender.block import Catalogue, Flags
from ml.recommender.calibration import calibrated
from ml.recommender.cuts import top
from ml.recommender.popularity import Popularity
from ml.recommender.rules import Case, allowed, allowed_to_fill, allowed_unprofiled
from ml.recommender.sparse import Csr, Floats, Ints, Pairs, cells, matrix, places, runs

HASH_SPACE = 16**12
CHANCE_PLACES = 9
CHANCE_UNITS = 10**CHANCE_PLACES
POOL = 5
"""Items among which a discovery slot draws. Of what stood in one, in two windows before the test of Online Retail II
and two simulated shops, .060, .085, .014 and .014 was bought with 20, .076, .104, .015 and .016 with 10, .083, .134,
.021 and .019 with 5."""
MOST_EXPLORED = 190
"""How far below the list's end the pool is looked for: beyond all known candidates."""
LOOKED_AT = 1_000_000
"""Customers times items that are tried at once to fill lists, at least."""


@dataclass(frozen=True)
class Shape:
    """How a list is made."""

    length: int = 10
    discovery_slots: int = 1
    calibration: float = 0.0
    """How much the customer's own mix of categories counts against the scores, 0 to 1."""
    seed: int = 7
    as_of: str = ""
    """Part of the draw, so that every day draws anew."""


@dataclass(frozen=True)
class Lists:
    """Rows of lists, by customer and place."""

    rows: Ints
    items: Ints
    places: Ints
    """From 0."""
    scores: Floats
    propensities: Floats
    is_discovery: Flags
    is_fallback: Flags

    def __len__(self) -> int:
        return len(self.rows)


EMPTY = Lists(*np.empty((3, 0), np.int64), *np.empty((2, 0)), *np.empty((2, 0), bool))


def make_lists(scores: Csr, case: Case, popular: Popularity, shape: Shape) -> Lists:
    """Cut the lists of one block of customers."""
    rows, items, values, fixed, open_ = _fixed(scores, case, popular, shape)
    slots = _slots(shape)
    drawn, slot, odds = _explore(rows, values, open_, case, shape)
    taken = np.bincount(rows[drawn], minlength=scores.shape[0])
    elsewhere = np.array([_without(shape.length, slots[:count]) for count in range(len(slots) + 1)])
    chosen = np.concatenate([np.flatnonzero(fixed), drawn])
    found = Lists(
        rows=rows[chosen], items=items[chosen],
        places=np.concatenate([elsewhere[taken[rows[fixed]], places(rows[fixed])], slots[slot]]),
        scores=values[chosen], propensities=np.concatenate([np.ones(int(fixed.sum())), odds]),
        is_discovery=np.repeat([False, True], [int(fixed.sum()), len(drawn)]),
        is_fallback=np.zeros(len(chosen), bool),
    )  # fmt: skip
    return _in_order(found, _fill(found, case, popular, shape.length, allowed_to_fill))


def chances(scores: Csr, case: Case, popular: Popularity, shape: Shape) -> Csr:
    """Customers by items: probability with which each stands in the list (``chance_in_slots``)."""
    rows, items, values, fixed, open_ = _fixed(scores, case, popular, shape)
    pool = np.flatnonzero(open_)
    pool = pool[places(rows[pool]) < POOL + shape.discovery_slots - 1]
    _, of, size = np.unique(rows[pool], return_inverse=True, return_counts=True)
    too_late = np.maximum(places(of) - POOL + 1, 0)  # draws that are over when an item moves up into the pool
    first = np.flatnonzero(too_late == 0)
    total = np.bincount(of[first], values[pool[first]], minlength=len(size))
    chance = np.full(len(pool), 0.5 / POOL) + 0.5 * np.divide(
        values[pool], total[of], out=np.full(len(pool), 1 / POOL), where=total[of] > 0
    )
    chance[first] = _chances(of[first], values[pool[first]], np.minimum(size, POOL))
    odds = chance_in_slots(chance, shape.discovery_slots - too_late)
    odds[size[of] <= shape.discovery_slots] = 1
    chosen = np.concatenate([np.flatnonzero(fixed), pool])
    return matrix(np.append(np.ones(int(fixed.sum())), odds), rows[chosen], items[chosen], scores.shape)


def chance_in_slots(chance: Floats, slots: Ints) -> Floats:
    """That an item stands in any of several slots, given its chance of one draw: as if each were drawn for itself."""
    return np.asarray(1 - (1 - chance) ** slots)


def _fixed(scores: Csr, case: Case, popular: Popularity, shape: Shape) -> tuple[Ints, Ints, Floats, Flags, Flags]:
    """Row, item and score of what is allowed, in the order of places, which of it has a place that is not drawn, and
    among which of it slots draw."""
    rows, items, values = cells(scores)
    kept = allowed(case, rows, items)
    fit = top(matrix(values[kept], rows[kept], items[kept], scores.shape), shape.length + MOST_EXPLORED)
    usual = shape.length - shape.discovery_slots
    rows, items, values = calibrated(fit, case.block, case.catalogue, popular, usual, shape.calibration)
    best, new = places(rows) < usual, ~case.block.bought.contains(rows, items)
    open_ = ~best & new if shape.discovery_slots else np.zeros(len(rows), bool)
    spare = np.flatnonzero(~best & ~new)
    undrawn = np.maximum(shape.discovery_slots - np.bincount(rows[open_], minlength=scores.shape[0]), 0)
    best[spare[places(rows[spare]) < undrawn[rows[spare]]]] = True
    return rows, items, values, best, open_


def _slots(shape: Shape) -> Ints:
    """Places of the discovery slots, the last of each equal part of the list."""
    if not shape.discovery_slots:
        return np.empty(0, np.int64)
    return (np.arange(1, shape.discovery_slots + 1) * shape.length // shape.discovery_slots - 1).astype(np.int64)


def _without(length: int, slots: Ints) -> Ints:
    """Places of a list, those of some slots last."""
    return np.append(np.setdiff1d(np.arange(length), slots), slots)


def generic_lists(case: Case, popular: Popularity, length: int) -> Lists:
    """The most popular items for people who may not be profiled, or did not ask for personal lists.

    One list for all, but for what somebody refuses: that is their own word, not a profile of them.
    """
    found = _in_order(_fill(EMPTY, case, popular, length, allowed_unprofiled))
    return replace(found, scores=popular.overall[found.items], is_fallback=np.zeros(len(found), bool))


def _explore(rows: Ints, values: Floats, open_: Flags, case: Case, shape: Shape) -> tuple[Ints, Ints, Floats]:
    """Entries drawn for the discovery slots, slot by slot, the slot and the chance of each."""
    drawn, slots, chances = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
    pool = np.flatnonzero(open_)
    pool = pool[places(rows[pool]) < POOL + shape.discovery_slots - 1]
    for slot in range(shape.discovery_slots):
        first = pool[places(rows[pool]) < POOL]
        who, start, size = runs(rows[first])
        chance = _chances(np.repeat(np.arange(len(who)), size), values[first], size)
        point = np.array([_hash(shape, case.block.customers[row], slot) for row in who]) / HASH_SPACE * CHANCE_UNITS
        units = np.rint(chance * CHANCE_UNITS).astype(np.int64)  # whole, so that no sum depends on who stands before
        ladder = np.cumsum(units)
        ladder -= np.repeat((ladder - units)[start], size)
        below = np.add.reduceat(ladder <= np.repeat(point, size), start) if len(who) else np.empty(0, np.int64)
        place = start + np.minimum(below, np.maximum(size, 1) - 1)
        drawn.append(first[place])
        slots.append(np.full(len(who), slot, np.int64))
        chances.append(chance[place])
        is_drawn = np.zeros(len(rows), bool)
        is_drawn[first[place]] = True
        pool = pool[~is_drawn[pool]]
    return np.concatenate(drawn), np.concatenate(slots), np.concatenate(chances)


def _chances(of: Ints, values: Floats, size: Ints) -> Floats:
    """Chance of each entry of the pools: half even, half by score; each pool's sum to one."""
    total = np.bincount(of, values, minlength=len(size))
    by_score = np.divide(values, total[of], out=1 / size[of], where=total[of] > 0)
    return np.asarray((0.5 / size[of] + 0.5 * by_score).round(CHANCE_PLACES))


def _hash(shape: Shape, customer: str, slot: int) -> int:
    text = f"{shape.seed}|{shape.as_of}|{customer}|{slot}"
    return int(md5(text.encode(), usedforsecurity=False).hexdigest()[:12], 16)


def _fill(
    found: Lists, case: Case, popular: Popularity, length: int, rule: Callable[[Case, Ints, Ints], Flags]
) -> Lists:
    """What fills the lists that are too short, looking further down until they are full or nothing is left."""
    have = np.bincount(found.rows, minlength=len(case.block))
    short = np.flatnonzero(have < length).astype(np.int64)
    taken = Pairs.of(found.rows, found.items, case.block.width)
    best, start = _to_fill(case.catalogue, popular), 0
    parts = [np.empty((3, 0), np.int64)]
    while len(short) and start < len(best):
        next_best = best[start : start + max(4 * length, LOOKED_AT // len(short))]
        rows, items = np.repeat(short, len(next_best)), np.tile(next_best, len(short))
        open_ = rule(case, rows, items) & ~taken.contains(rows, items)
        rows, items = rows[open_], items[open_]
        place = have[rows] + places(rows)
        fits = place < length
        parts.append(np.stack([rows[fits], items[fits], place[fits]]))
        have += np.bincount(rows[fits], minlength=len(have))
        short, start = short[have[short] < length], start + len(next_best)
    rows, items, place = np.concatenate(parts, axis=1)
    no = np.zeros(len(rows), bool)
    return Lists(rows, items, length + 1 + place, np.zeros(len(rows)), np.ones(len(rows)), no, ~no)


def _to_fill(catalogue: Catalogue, popular: Popularity) -> Ints:
    """All items: the most popular first, then, of what nobody bought lately, the newest; ties by item."""
    ages = np.nan_to_num(catalogue.launch_ages, nan=np.inf)
    return np.lexsort((np.arange(catalogue.size), ages, -popular.overall)).astype(np.int64)


def _in_order(*parts: Lists) -> Lists:
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in Lists.__dataclass_fields__}
    order = np.lexsort((joined["places"], joined["rows"]))
    joined = {name: values[order] for name, values in joined.items()}
    return Lists(**{**joined, "places": places(joined["rows"])})
