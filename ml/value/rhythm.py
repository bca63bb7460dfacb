"""When a customer's next order is due: by the orders that are expected, and in a regular shop by their own rhythm.

Belongs here: that rule. Does not belong here: how many orders are expected (``model``).

The day is the one by which half of such customers will have ordered. At a pace of so many orders a day that is
ln 2 / pace. A rhythm knows more, the more regular the shop's customers are: the usual gap is the customer's median gap
between days with an order, else their mean gap; gaps are taken for log-normal around it, spread as those of the shop's
customers usually are; and the order is due at the median of what is left, given the silence so far. A silence of more
than ``BROKEN_AFTER`` usual gaps has broken the rhythm.

Both are brought together by a geometric mean, weighed by how much gaps vary (``_own_weight``). Mean error of days, none
taken for more than 90, of customers with a rhythm: Online Retail II, 2011-09-09, 22.6 (pace alone 22.7, rhythm alone
24.7, LightGBM taught the days of other customers 22.7); demo 22.4 (rhythm alone 26.1, LightGBM 22.8). Regular shops:
``python -m tests.bench next_order``.
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
FARTHEST_DAYS = 365


def days_to_next_order(
    orders_per_day: Floats, recency: Floats, median_gap: Floats, mean_gap: Floats, variation: float = NO_VARIATION
) -> Floats:
    """Whole days from the as-of to the expected next order, half a day up.

    NaN before a first order, and where the day lies more than ``FARTHEST_DAYS`` ahead: none is expected.

    Parameters
    ----------
    orders_per_day
        Days with an order expected of each day of the near future, (customers,).
    recency, median_gap, mean_gap
        Days since the last order and between orders, NaN where there is none, (customers,).
    variation
        Coefficient of variation of the gaps of the shop's customers.

    >>> monthly, silent = np.full(3, 30.0), np.array([0.0, 10, 30])
    >>> days_to_next_order(1 / monthly, silent, monthly, monthly).tolist()
    [21.0, 21.0, 21.0]
    >>> days_to_next_order(1 / monthly, silent, monthly, monthly, 0.2).tolist()
    [25.0, 21.0, 11.0]
    """
    pace = math.log(2) / np.maximum(orders_per_day, 1e-9)
    own, weight = _own_days(recency, median_gap, mean_gap, variation), _own_weight(variation)
    days = np.where(np.isfinite(own), np.exp((1 - weight) * np.log(pace) + weight * np.log1p(own)), pace)
    return np.where(np.isfinite(recency) & (days <= FARTHEST_DAYS), np.floor(days + 0.5), np.nan)


def _own_weight(variation: float) -> float:
    """What served best in worlds of gaps that vary by .1 to 1 around their mean: half, falling to nothing at .8."""
    return min(max(0.6 - 0.75 * variation, 0.0), 0.5)


def _own_days(recency: Floats, median_gap: Floats, mean_gap: Floats, variation: float) -> Floats:
    """Days left by the customer's own rhythm; NaN where there is none, or where it is broken."""
    gap = np.maximum(np.where(np.isfinite(median_gap), median_gap, mean_gap), 1.0)
    spread = math.sqrt(math.log1p(max(variation, 0.05) ** 2))
    silent = np.maximum(recency, 1e-9)
    passed = ndtr(np.log(silent / gap) / spread)
    total = gap * np.exp(spread * ndtri((1 + passed) / 2))
    return np.where(recency <= BROKEN_AFTER * gap, np.maximum(total - silent, 0), np.nan)
