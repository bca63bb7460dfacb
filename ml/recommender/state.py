"""How an item stands in the shop just now: how much it sells, whether it still does, how often it is bought again.

Belongs here: counts by item that the ranker reads beside what generators say. Does not belong here: generators.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.recommender.block import Flags, Source
from ml.recommender.sparse import Floats, Ints

WINDOWS = (7, 30, 90, 365)
"""Days back."""
SEASON = (330, 365)
"""Days back of about the coming weeks a year ago."""
NEVER_DAYS = 9_999


@dataclass(frozen=True)
class ItemStates:
    """(items,) each; counts of profiled customers' purchases."""

    sold: tuple[Ints, ...]
    """Within each of ``WINDOWS``."""
    season: Ints
    """Within ``SEASON``."""
    days_since: Ints
    """Since anybody bought it; what has not sold for long is often gone."""
    again: Floats
    """Share of its buyers who bought it again."""

    def columns(self) -> dict[str, Floats]:
        """By name of the feature, on a log scale where a count."""
        sold = {f"item_sold_{days}d": np.log1p(count) for days, count in zip(WINDOWS, self.sold, strict=True)}
        season = {"item_sold_season": np.log1p(self.season)}
        return {**sold, **season, "item_days_since": self.days_since.astype(float), "item_bought_again": self.again}


def in_season(ages: Ints) -> Flags:
    """Which days lie about a year before the coming weeks."""
    return (ages > SEASON[0]) & (ages <= SEASON[1])


def item_states(source: Source) -> ItemStates:
    """Count in one pass."""
    size = source.catalogue.size
    sold = [np.zeros(size, np.int64) for _ in WINDOWS]
    season = np.zeros(size, np.int64)
    since = np.full(size, NEVER_DAYS)
    buyers, again = np.zeros((2, size), np.int64)
    for block in source.blocks():
        kept = block.lines > 0
        items, ages = block.items[kept], block.ages[kept]
        np.minimum.at(since, items, ages)
        for days, count in zip(WINDOWS, sold, strict=True):
            count += np.bincount(items[ages <= days], minlength=size)
        season += np.bincount(items[in_season(ages)], minlength=size)
        days_bought = block.spread(np.ones(len(block.rows), np.int64), kept)
        buyers += np.bincount(days_bought.indices, minlength=size)
        again += np.bincount(days_bought.indices[days_bought.data > 1], minlength=size)
    return ItemStates(tuple(sold), season, since, again / np.maximum(buyers, 1))
