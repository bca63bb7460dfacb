"""What is asked of whoever tells lifetimes, and the answer for customers who order.

Belongs here: the interface, lifetimes by the model of repeat purchase. Does not belong here: contracts
(``ml.survival.contracts``), the file that lifetimes are written to (``ml.churn.score_file``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.btyd.expectations import HISTORY, OrderFiles, statistics
from ml.btyd.model import LIFETIME_CAP_DAYS
from ml.btyd.seasonal import SeasonalMbgNbd
from ml.evaluation import Floats

CAP_DAYS = LIFETIME_CAP_DAYS
"""No lifetime looks farther; the mean without a cap would be that of the few who stay for ever."""


class Lifetimes(Protocol):
    """Tells lifetimes of customers of one as-of."""

    @property
    def names(self) -> tuple[str, ...]:
        """Features that it reads."""

    def days(self, X: NDArray[np.float32], is_leaving: NDArray[np.bool_], *, threads: int = 1) -> Floats:
        """Expected days, of the next ``CAP_DAYS``, for which each remains a customer, (rows,); NaN where unknown.

        ``X`` holds the features ``names``, in that order; ``is_leaving`` says who has given notice, (rows,).
        """


@dataclass(frozen=True)
class OrderLifetimes:
    """Of customers who order: by the seasonal model of repeat purchase, NaN for who never has."""

    model: SeasonalMbgNbd

    names = HISTORY

    def days(self, X: NDArray[np.float32], is_leaving: NDArray[np.bool_], *, threads: int = 1) -> Floats:  # noqa: ARG002
        """Expected days as a customer; nobody gives notice."""
        days, told = np.full(len(X), np.nan), np.isfinite(X).all(axis=1)
        stats = statistics(pd.DataFrame(X[told].astype(np.float64), columns=list(HISTORY)))
        days[told] = self.model.expected_lifetime_days(stats, CAP_DAYS)
        return days


def order_lifetimes(files: OrderFiles, as_of: date, horizon_days: int) -> OrderLifetimes | None:
    """By the model of an as-of, the one whose expectations stand among its features; None where none can be fitted."""
    model = files.fitted(as_of, horizon_days)
    return OrderLifetimes(model) if model else None
