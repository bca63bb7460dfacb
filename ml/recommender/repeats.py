"""What each customer bought again and again, item by item.

Belongs here: the days on which a customer bought one item, and the gaps between them. Does not belong here: how soon
others buy it again (``rhythm``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.recommender.sparse import Floats, Ints, runs

LONGEST_GAP_DAYS = 127
"""Longer gaps count as this long."""


@dataclass(frozen=True)
class Repeats:
    """Items bought by customers on at least one day: pairs in order, with what is known of their rhythm."""

    rows: Ints
    items: Ints
    last_age: Ints
    """Days since the last purchase."""
    gaps: Ints
    """Number of gaps between days with a purchase."""
    shortest_gap: Ints
    """``LONGEST_GAP_DAYS + 1`` without one."""
    mean_gap: Floats
    """0 without one."""


def repeats(rows: Ints, items: Ints, ages: Ints, width: int) -> Repeats:
    """From purchases by customer, item and age, of a catalogue of ``width`` items."""
    pair = rows * width + items
    _, starts, size = runs(pair)
    ends = starts + size - 1
    gap = np.append(np.diff(ages), 0)
    inside = np.ones(len(pair), bool)
    inside[ends] = False
    shortest = np.full(len(starts), LONGEST_GAP_DAYS + 1, np.int64)
    of = np.repeat(np.arange(len(starts)), size)
    np.minimum.at(shortest, of[inside], gap[inside])
    mean = np.divide(ages[ends] - ages[starts], size - 1, out=np.zeros(len(starts)), where=size > 1)
    return Repeats(rows[starts], items[starts], ages[starts], size - 1, shortest, mean)
