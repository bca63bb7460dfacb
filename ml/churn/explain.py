"""Margins and the features behind them, a block of customers at a time.

Belongs here: blocks, threads, which of the two ways adds up. Does not belong here: what is added up (``model``,
``ml.shapley``), words (``reasons``).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from ml.booster import BLOCK_ROWS
from ml.churn.model import ChurnModel
from ml.churn.reasons import Leaders, leaders, no_leaders
from ml.evaluation import Floats


def explain(
    model: ChurnModel, X: NDArray[np.float32], *, threads: int = 1, is_compiled: bool = False
) -> tuple[Floats, Leaders]:
    """Margin (rows,) and leading features of each customer; the same bits for any ``threads``, compiled or not."""
    margin, found = np.empty(len(X)), no_leaders(len(X))

    def work(first: int) -> None:
        """Every ``threads``-th block; the memory is the same for each, since fresh pages cost as much as the values."""
        features = X.shape[1]
        values, wide = np.empty((features + 1) * BLOCK_ROWS), np.empty(features * BLOCK_ROWS, np.float32)
        for start in range(first * BLOCK_ROWS, len(X), threads * BLOCK_ROWS):
            own, rows = slice(start, start + BLOCK_ROWS), min(BLOCK_ROWS, len(X) - start)
            total = values[: (features + 1) * rows].reshape(-1, rows)
            columns = wide[: features * rows].reshape(-1, rows)
            columns[:] = X[own].T
            model.explain(total, columns, is_compiled=is_compiled)
            part = leaders(total[:-1], model.names)
            margin[own], found.feature[:, own], found.direction[:, own] = total[-1], part.feature, part.direction

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))
    return margin, found
