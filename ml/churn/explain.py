"""Margins and the features behind them, a block of customers at a time.

Belongs here: blocks, threads, which of the two ways adds up. Does not belong here: what is added up (``model``,
``ml.shapley``), words (``reasons``).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from ml.churn.model import ChurnModel
from ml.churn.reasons import Leaders, leaders, no_leaders
from ml.evaluation import Floats

BLOCK_ROWS = 4096
"""Rows whose (features, rows) values a thread holds at once; with fewer the tables pass through memory too often."""
COMPILED_ROWS = 75_000
"""From so many customers on compiling pays."""


def explain(
    model: ChurnModel, X: NDArray[np.float32], *, threads: int = 1, is_compiled: bool = False
) -> tuple[Floats, Leaders]:
    """Margin (rows,) and leading features of each customer; the same bits for any ``threads``, compiled or not."""
    margin, found = np.empty(len(X)), no_leaders(len(X))

    def block(start: int) -> None:
        own = slice(start, start + BLOCK_ROWS)
        added = model.explained(np.ascontiguousarray(X[own].T), is_compiled=is_compiled)
        part = leaders(added[:-1], model.names)
        margin[own], found.feature[:, own], found.direction[:, own] = added[-1], part.feature, part.direction

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(block, range(0, len(X), BLOCK_ROWS)))
    return margin, found
