"""When a customer's next order is due, by their own rhythm.

Belongs here: that rule. Does not belong here: how many orders are expected (``model``).

The usual gap is the customer's median gap between days with an order, else their mean gap. The next order is
expected one usual gap after the last one, and not before the as-of. It is not told where there is no rhythm (fewer than
two days with an order) or where the silence has lasted more than ``BROKEN_AFTER`` usual gaps: the rhythm is broken.
"""

from __future__ import annotations

import numpy as np

from ml.evaluation import Floats

COLUMNS = ("days_since_last_order", "order_gap_median_days", "order_gap_mean_days")
BROKEN_AFTER = 3.0


def days_to_next_order(recency: Floats, median_gap: Floats, mean_gap: Floats) -> Floats:
    """Whole days from the as-of to the expected next order, half a day up; NaN where nothing is told."""
    gap = np.maximum(np.where(np.isfinite(median_gap), median_gap, mean_gap), 1.0)
    days = np.floor(np.maximum(gap - recency, 0) + 0.5)
    return np.where(recency <= BROKEN_AFTER * gap, days, np.nan)
