"""Which of a customer's items count where not all can.

Belongs here: the cut of a long history, so that no product number decides. Does not belong here: how long is too long.
"""

from __future__ import annotations

import numpy as np

from ml.recommender.block import Block, Flags, Texts
from ml.recommender.sparse import Ints, places
from ml.splits import customer_hash


def latest(block: Block) -> Ints:
    """Entries of the block that are a customer's last purchase of an item."""
    kept = np.flatnonzero(block.lines > 0)
    pair = block.rows[kept] * block.width + block.items[kept]
    return kept[np.append(True, pair[1:] != pair[:-1])] if len(kept) else kept  # sorted by age: the latest is first


def within_limit(block: Block, entries: Ints, groups: Ints, ages: Ints, count: int) -> Flags:
    """Which entries stay where a group, of one customer, keeps its ``count`` latest; lots are drawn among those of one
    age."""
    stays = np.ones(len(entries), bool)
    crowded = np.flatnonzero(np.bincount(groups)[groups] > count) if len(groups) else entries
    if not len(crowded):
        return stays
    lots = _lots(block.customers, block.rows[entries[crowded]], block.items[entries[crowded]])
    order = crowded[np.lexsort((lots, ages[crowded], groups[crowded]))]
    stays[order[places(groups[order]) >= count]] = False
    return stays


def _lots(customers: Texts, rows: Ints, items: Ints) -> Ints:
    """A number for each item of a customer as if drawn at random (splitmix64), the same however blocks are cut."""
    who, place = np.unique(rows, return_inverse=True)
    seeds = np.array([customer_hash(customers[row]) for row in who], np.uint64)
    mixed = (seeds[place] << np.uint64(32)) + items.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(1)).astype(np.int64)
