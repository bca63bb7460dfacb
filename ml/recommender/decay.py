"""How much what happened longer ago still counts, in whole numbers.

Belongs here: the one table of weights. Does not belong here: which half-life suits what.
"""

from __future__ import annotations

import numpy as np

from ml.recommender.sparse import Ints

UNIT = 1000
"""Weight of something that happened just now."""
OLDEST_DAYS = 3660


def weights(ages: Ints, half_life_days: float) -> Ints:
    """Weight of each age in days: ``UNIT`` halved once per half-life, rounded to a whole number.

    >>> weights(np.array([0, 30, 60]), 30).tolist()
    [1000, 500, 250]
    """
    table = np.round(UNIT * 0.5 ** (np.arange(OLDEST_DAYS + 1) / half_life_days)).astype(np.int64)
    return table[np.clip(ages, 0, OLDEST_DAYS)]
