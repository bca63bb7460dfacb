"""A log of interactions with a known answer, for the evaluation of recommenders.

Belongs here: what its tests share. Does not belong here: assertions.
"""

from __future__ import annotations

import numpy as np

from ml.recommender.evaluation.files import Rows
from ml.recommender.evaluation.log import Log, make_log

CHAINS = 12
LENGTH = 6


def chains(users: int = 240, seed: int = 1, prefix: str = "") -> list[tuple[str, str, float]]:
    """Each user walks along one of a few chains of items, from a place of their own; now and then a stray item."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        chain, start = int(rng.integers(CHAINS)), int(rng.integers(LENGTH))
        for step in range(4):
            item = f"{prefix}{chain:02}-{(start + step) % LENGTH}"
            rows.append((f"u{user:03}", item, float(step * 30 + user % 7)))
    return rows


def log_of(rows: list[tuple[str, str, float]], seed: int = 7) -> Log:
    users, items, when = zip(*rows, strict=True)
    return make_log(Rows(np.array(users, object), np.array(items, object), np.array(when), True, None, 0), seed=seed)
