"""Seeded random streams, one for each block of people and purpose.

Belongs here: how a seed becomes independent streams, and draws that several rooms share. Does not belong
here: what is drawn. A stream depends on the seed, the purpose and the block only, so that blocks can be
made in any order or number and give the same world.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def stream(seed: int, purpose: str, block: int = 0) -> np.random.Generator:
    """The random stream of one purpose in one block."""
    key = (zlib.crc32(purpose.encode()), block)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def scramble(seed: int, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """A fixed one-to-one shuffle of 64-bit numbers (splitmix64), for ids that tell nothing.

    Source: Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014.
    """
    with np.errstate(over="ignore"):
        x = numbers.astype(np.uint64) + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def choose(
    random: np.random.Generator, weights: Sequence[float] | npt.NDArray[np.float64], size: int
) -> npt.NDArray[np.int64]:
    """Indices drawn with the given weights (they need not sum to one)."""
    ladder = np.cumsum(np.asarray(weights, dtype=float))
    return np.minimum(np.searchsorted(ladder / ladder[-1], random.random(size), side="right"), len(ladder) - 1)
