"""When a customer's next order is due, by their own rhythm and the silence so far.

Belongs here: that rule. Does not belong here: how many orders are expected (``model``).

The usual gap is the customer's median gap between days with an order, else their mean gap. Gaps are taken for
log-normal around it, spread as those of the shop's customers usually are, and the next order is expected at the median
of what is left given that the customer has been silent so far: one usual gap after an order of today, and the longer
the silence, the further beyond the usual gap. Nothing is told where there is no rhythm (fewer than two days with an
order) or where the silence has lasted more than ``BROKEN_AFTER`` usual gaps: the rhythm is broken.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr, ndtri

from ml.evaluation import Floats

COLUMNS = ("days_since_last_order", "order_gap_median_days", "order_gap_mean_days")
VARIATION = "median(order_gap_std_days / order_gap_mean_days) filter (order_gap_mean_days > 0)"
"""SQL over features: the usual coefficient of variation of a customer's gaps."""
NO_VARIATION = 1.0
"""Where nobody has two gaps to tell it from: that of gaps that follow no rhythm (exponential)."""
BROKEN_AFTER = 3.0


def days_to_next_order(
    recency: Floats, median_gap: Floats, mean_gap: Floats, variation: float = NO_VARIATION
) -> Floats:
    """Whole days from the as-of to the expected next order, half a day up; NaN where nothing is told.

    >>> days_to_next_order(np.array([0.0, 10, 30, 60]), np.full(4, 30.0), np.full(4, 30.0), 0.5).tolist()
    [30.0, 20.0, 11.0, 10.0]
    """
    gap = np.maximum(np.where(np.isfinite(median_gap), median_gap, mean_gap), 1.0)
    spread = math.sqrt(math.log1p(max(variation, 0.05) ** 2))
    silent = np.maximum(recency, 1e-9)
    passed = ndtr(np.log(silent / gap) / spread)
    total = gap * np.exp(spread * ndtri((1 + passed) / 2))
    days = np.floor(np.maximum(total - silent, 0) + 0.5)
    return np.where(recency <= BROKEN_AFTER * gap, days, np.nan)
