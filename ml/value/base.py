"""What models of repeat purchase expect of each customer, before trees correct it.

Belongs here: an amount for every row, from the expected orders among its features. Does not belong here: fitting models
of purchase (``ml.btyd``), the level of a date (``level``).

Expected orders come with the features (``ml.btyd.expectations``); in money they count by what the season makes them
worth, and are multiplied with what the usual order of that customer is worth (gamma-gamma), less what customers send
back. The trees start from here, so that they only learn what the classical models miss, and the sum over all customers
tells the level of the date.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ml.btyd.expectations import ORDER_VALUES, ORDERS
from ml.btyd.gamma_gamma import GammaGamma
from ml.btyd.model import BtydFitError
from ml.btyd.statistics import SPEND_COLUMNS, spend_from_snapshot
from ml.evaluation import Floats
from ml.snapshots import Snapshots

ORDERS_AND_DAYS = ("orders_365d", "order_days_365d")
FLOOR = 1e-4
"""No row is expected to bring less than this share of the mean: a logarithm is taken of it."""


@dataclass(frozen=True)
class Base:
    """Expected orders, or with ``worth`` an expected amount of money."""

    unknown: float
    """Mean outcome of the training rows of which nothing is expected, such as who has never ordered."""
    floor: float
    times: float = 1.0
    """Of money the share that is not sent back, else the orders of a day that has one."""
    worth: GammaGamma | None = None

    def amounts(self, X: NDArray[np.float32], names: Sequence[str]) -> Floats:
        """Expected amount of each row, positive, (rows,)."""
        expected = X[:, names.index(ORDERS if self.worth is None else ORDER_VALUES)].astype(np.float64)
        amount = self.of_days(expected, X, names)
        return np.where(np.isnan(amount), max(self.unknown, self.floor), np.maximum(amount, self.floor))

    def of_days(self, expected: Floats, X: NDArray[np.float32], names: Sequence[str]) -> Floats:
        """What so many expected days with an order will bring, (rows,)."""
        amount = expected * self.times
        return amount if self.worth is None else amount * self.worth.expected_value(*spend_from_snapshot(X, names))

    def to_json(self) -> dict[str, Any]:
        worth = None if self.worth is None else self.worth.to_json()
        return {"unknown": self.unknown, "floor": self.floor, "times": self.times, "worth": worth}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        worth = None if content["worth"] is None else GammaGamma.from_json(content["worth"])
        times = content.get("times", content.get("kept", 1.0))
        return cls(unknown=content["unknown"], floor=content["floor"], times=times, worth=worth)


def fit_base(rows: Snapshots, y: Floats, *, in_money: bool, kept: float = 1.0) -> Base | None:
    """The base of an outcome ``y``; None where the features hold no expectation, or nobody has bought for any value.

    ``kept`` is the share of money that is not sent back.
    """
    needed = {ORDERS, *((ORDER_VALUES, *SPEND_COLUMNS) if in_money else ())}
    if not needed <= set(rows.names):
        return None
    told = np.isfinite(rows.column(ORDERS))
    if not told.any():
        return None
    unknown = float(y[~told].mean()) if not told.all() else 0.0
    times = kept if in_money else orders_a_day(rows.X, rows.names)
    base = Base(unknown=unknown, floor=FLOOR * float(y.mean()), times=times)
    if not in_money:
        return base
    try:
        worth = GammaGamma.fit(*spend_from_snapshot(rows.X, rows.names), hashed=rows.hashed)
    except BtydFitError:
        return None
    return replace(base, worth=worth)


def orders_a_day(X: NDArray[np.float32], names: Sequence[str]) -> float:
    """Orders of the last year by days with one; 1 where the features do not tell."""
    if not set(ORDERS_AND_DAYS) <= set(names):
        return 1.0
    placed, days = (float(np.nansum(X[:, names.index(name)], dtype=np.float64)) for name in ORDERS_AND_DAYS)
    return placed / days if days > 0 else 1.0
