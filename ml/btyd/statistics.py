"""What the models know of a customer: how often they came back, when last, and for how long they have been known.

Belongs here: these numbers, equal rows put together, and how they follow from our own features. Does not belong here:
anything fitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.evaluation import Floats

SPEND_COLUMNS = ("order_days_365d", "spend_365d")


@dataclass(frozen=True)
class Statistics:
    """Sufficient statistics of customers who have bought at least once, (customers,) each.

    Raises
    ------
    ValueError
        Something is no number or negative, a last purchase lies after the as-of, or there is a recency without a
        repeat purchase.
    """

    frequency: Floats
    """Days with a purchase after the first; several purchases of a day are one."""
    recency: Floats
    """Days from the first to the last of them, 0 without a repeat purchase."""
    age: Floats
    """Days from the first to the as-of."""

    def __post_init__(self) -> None:
        columns = (self.frequency, self.recency, self.age)
        if len({part.shape for part in columns}) > 1 or self.frequency.ndim != 1:
            raise ValueError(f"one number per customer each, not {[part.shape for part in columns]}")
        if not all(np.isfinite(part).all() and (part >= 0).all() for part in columns):
            raise ValueError("frequency, recency and age must be numbers from 0 on")
        if (self.recency > self.age).any():
            raise ValueError("a last purchase lies after the as-of: recency is larger than age")
        if ((self.frequency == 0) & (self.recency > 0)).any():
            raise ValueError("a customer without a repeat purchase has a recency of 0")

    def __len__(self) -> int:
        return len(self.frequency)

    def rows(self, kept: NDArray[np.bool_] | NDArray[np.intp]) -> Statistics:
        return Statistics(self.frequency[kept], self.recency[kept], self.age[kept])

    def kinds(self) -> tuple[Statistics, NDArray[np.intp]]:
        """Rows that differ, in ascending order, and which of them each customer is."""
        first, group = distinct(self.frequency, self.recency, self.age)
        return self.rows(first), group


def distinct(*columns: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Of rows over these columns: one row of each kind, kinds ascending, and the kind of every row."""
    order = np.lexsort(columns[::-1])
    is_new = np.zeros(len(order), bool)
    is_new[:1] = True
    for column in columns:
        ordered = column[order]
        is_new[1:] |= ordered[1:] != ordered[:-1]
    group = np.empty(len(order), np.intp)
    group[order] = np.cumsum(is_new) - 1
    return order[is_new], group


def spend_from_snapshot(X: NDArray[np.float32], names: Sequence[str]) -> tuple[Floats, Floats]:
    """Days with an order in the last year and what one was worth on average, (rows,) each, for ``GammaGamma``.

    The first order counts too, unlike in the literature: many shops' customers have no other. 0 and 0 for none.

    Raises
    ------
    ValueError
        One of the features is missing.
    """
    if missing := [name for name in SPEND_COLUMNS if name not in names]:
        raise ValueError(f"the features lack {', '.join(missing)}")
    days, spend = (np.nan_to_num(X[:, names.index(name)].astype(np.float64)) for name in SPEND_COLUMNS)
    return days, np.where(days > 0, np.maximum(spend, 0) / np.maximum(days, 1), 0.0)
