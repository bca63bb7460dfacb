"""Tables looked up with numpy: no compilation to wait for, for a few customers.

Belongs here: this one way. Does not belong here: many customers (``compiled``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.evaluation import Floats
from ml.shapley.tables import Tables


def add_to(total: Floats, tables: Tables, columns: NDArray[np.float32]) -> None:
    """Add Shapley values by feature and, last, the margin: (features, rows) to ``total``, which has one more."""
    unknown = np.isnan(columns)
    position = np.empty((tables.slots, columns.shape[1]), np.int64)
    questions, parts, ask, add = tables.questions, tables.columns, 0, 0
    for ask_end, add_end in zip(questions.ends, parts.ends, strict=True):
        position[:] = 0
        for k in range(ask, ask_end):
            feature = questions.feature[k]
            x = columns[feature]
            is_inside = (x >= questions.low[k]) & (x <= questions.high[k])
            if questions.takes_unknown[k]:
                is_inside |= unknown[feature]
            position[questions.slot[k]] += is_inside * np.int64(questions.bit[k])
        for c in range(add, add_end):
            values = tables.values[parts.start[c] : parts.stop[c]]
            total[parts.feature[c]] += values[position[parts.slot[c]]]
        ask, add = ask_end, add_end
