"""How good expected days are: their order and their level, of events that not everybody is seen to have.

Belongs here: metrics over plain arrays. Does not belong here: who expects what (``ml.value.rhythm``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.evaluation import Floats


@dataclass(frozen=True)
class Timing:
    """Expected days until an order held against the days that it took."""

    due: int
    """Customers whose day lies within the horizon."""
    had_ordered: float
    """Share of them who had ordered by their day, meant to be half; NaN where nobody is due."""
    concordance: float
    recency_concordance: float
    """Of the silence so far: who ordered last orders first."""


def timing(took: Floats, expected: Floats, recency: Floats, horizon_days: int) -> Timing:
    """Judge expected days until the next order.

    Parameters
    ----------
    took
        Days from the as-of to the next order, infinite where none came within the horizon, (customers,).
    expected
        Days by which half of such customers are expected to have ordered, (customers,).
    recency
        Days since the last order at the as-of, (customers,).
    """
    due = expected < horizon_days
    return Timing(
        due=int(due.sum()),
        had_ordered=float((took[due] <= expected[due]).mean()) if due.any() else float("nan"),
        concordance=concordance(took, expected),
        recency_concordance=concordance(took, recency),
    )


def concordance(took: Floats, expected: Floats) -> float:
    """Share of the pairs with different times that are expected in their order; pairs expected alike count half.

    Harrell's C where all are watched equally long: infinite times are later than all others and equal among themselves.
    NaN where no two times differ. Source: Harrell et al., "Evaluating the yield of medical tests", 1982; Kendall's
    tau-b turned back into its count of pairs.

    >>> concordance(np.array([3.0, 8.0, np.inf, np.inf]), np.array([2.0, 9.0, 5.0, 30.0]))
    0.8
    """
    from scipy.stats import kendalltau

    pairs, alike, expected_alike = _pairs(np.array([len(took)], float)), _alike(took), _alike(expected)
    if pairs == alike:
        return float("nan")
    if pairs == expected_alike:
        return 0.5
    later = np.where(np.isfinite(took), took, took[np.isfinite(took)].max(initial=0) + 1)
    tau = float(kendalltau(later, expected).statistic)
    ahead = tau * np.sqrt((pairs - alike) * (pairs - expected_alike))
    return float(0.5 + ahead / (2 * (pairs - alike)))


def _alike(values: Floats) -> float:
    return _pairs(np.unique(values, return_counts=True)[1].astype(float))


def _pairs(counts: Floats) -> float:
    return float((counts * (counts - 1) / 2).sum())
