"""What is bought a lot lately: by all, and by the customers of a segment.

Belongs here: counts of recent purchases as shares. Does not belong here: who gets to see them (generators, ``lists``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.recommender.block import Source
from ml.recommender.decay import UNIT, weights
from ml.recommender.sparse import Floats


@dataclass(frozen=True)
class Popularity:
    """Shares of recent purchases, each row sums to one (to zero where nothing was bought)."""

    overall: Floats
    """(items,)"""
    by_segment: Floats
    """(segments, items), drawn towards ``overall`` where a segment bought little."""


def popularity(world: Source, *, half_life_days: float, shrinkage: float) -> Popularity:
    """Count purchases of profiled people.

    Parameters
    ----------
    shrinkage
        How many purchases of everybody weigh as much as those of the segment itself (additive smoothing with the
        overall shares as prior).
    """
    counts = np.zeros((len(world.segments), world.catalogue.size), np.int64)
    for block in world.blocks():
        worth = np.minimum(block.lines, 1) * weights(block.ages, half_life_days)
        cell = block.segments[block.rows] * world.catalogue.size + block.items
        counts += np.bincount(cell, worth, counts.size).astype(np.int64).reshape(counts.shape)
    overall = _shares(counts.sum(axis=0).astype(float))
    smoothed = counts + shrinkage * UNIT * overall[None, :]
    total = smoothed.sum(axis=1, keepdims=True)
    return Popularity(overall, np.divide(smoothed, total, out=np.zeros_like(smoothed), where=total > 0))


def _shares(counts: Floats) -> Floats:
    return counts / counts.sum() if counts.sum() > 0 else counts
