"""Margins and the features behind them, a block of customers at a time.

Belongs here: blocks, which of the two ways adds up. Does not belong here: what is added up (``model``, ``ml.shapley``),
words (``reasons``), threads: one batch has one, and batches are worked on side by side (``scoring``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.booster import BLOCK_ROWS
from ml.churn.model import ChurnModel
from ml.churn.reasons import Leaders, leaders, no_leaders
from ml.evaluation import Floats

COMPILED_ROWS = 50_000
"""From so many customers on machine code pays: numba and what it compiled take a second to load, then a customer 7
microseconds instead of 36 (80 features, 100 trees of 31 leaves, one thread)."""


def explain(model: ChurnModel, X: NDArray[np.float32], *, is_compiled: bool = False) -> tuple[Floats, Leaders]:
    """Margin (rows,) and leading features of each customer; the same bits compiled or not."""
    margin, found, features = np.empty(len(X)), no_leaders(len(X)), X.shape[1]
    # The memory is the same for each block, since fresh pages cost as much as the values.
    values, wide = np.empty((features + 1) * BLOCK_ROWS), np.empty(features * BLOCK_ROWS, np.float32)
    for start in range(0, len(X), BLOCK_ROWS):
        own, rows = slice(start, start + BLOCK_ROWS), min(BLOCK_ROWS, len(X) - start)
        total = values[: (features + 1) * rows].reshape(-1, rows)
        columns = wide[: features * rows].reshape(-1, rows)
        columns[:] = X[own].T
        model.explain(total, columns, is_compiled=is_compiled)
        part = leaders(total[:-1], model.names, is_compiled=is_compiled)
        margin[own], found.feature[:, own], found.direction[:, own] = total[-1], part.feature, part.direction
    return margin, found
