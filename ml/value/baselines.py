"""What a value model is held against: a customer's own pace kept up, and the classical models of purchase and spend.

Belongs here: the baselines. Does not belong here: anything fitted by LightGBM, which of them speaks for a tiny shop
(``ml.value.fallback``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.btyd.expectations import HISTORY, read_histories, statistics
from ml.btyd.gamma_gamma import GammaGamma
from ml.btyd.model import BtydFitError
from ml.btyd.pareto_nbd import ParetoNbd
from ml.btyd.statistics import SPEND_COLUMNS, spend_from_snapshot
from ml.evaluation import Floats
from ml.rolling import Origin
from ml.value.model import ValueModel

COLUMNS = ("spend_365d", "orders_365d", "days_since_first_order")
YEAR_DAYS = 365
PRIOR_DAYS = 90.0
"""How many days at the pace of all customers stand beside a customer's own: who came yesterday has no pace yet."""


@dataclass(frozen=True)
class HistoricalAverage:
    """The pace of all, per customer and day, before returns."""

    spend_per_day: float
    orders_per_day: float
    returned_share: float

    def predict(self, X: NDArray[np.float32], names: Sequence[str], horizon_days: int) -> tuple[Floats, Floats]:
        """Net spend and orders within the horizon, each (rows,)."""
        spend, orders, days = _columns(X, names)
        net = (spend + PRIOR_DAYS * self.spend_per_day) / (days + PRIOR_DAYS) * (1 - self.returned_share)
        often = (orders + PRIOR_DAYS * self.orders_per_day) / (days + PRIOR_DAYS)
        return np.maximum(net, 0) * horizon_days, np.maximum(often, 0) * horizon_days


def fit_historical_average(
    X: NDArray[np.float32], names: Sequence[str], *, returned_share: float = 0.0
) -> HistoricalAverage:
    """The pace of these customers over the last year, or since their first order."""
    spend, orders, days = _columns(X, names)
    whole = max(float(days.sum()), 1.0)
    return HistoricalAverage(float(spend.sum()) / whole, float(orders.sum()) / whole, returned_share)


def frequency_times_value(X: NDArray[np.float32], names: Sequence[str], horizon_days: int) -> Floats:
    """Orders of the last year times their average value, for the horizon; (rows,)."""
    return np.maximum(_columns(X, names)[0], 0) * (horizon_days / YEAR_DAYS)


def purchases_times_value(
    X: NDArray[np.float32], names: Sequence[str], histories: pd.DataFrame, horizon_days: int, returned_share: float
) -> Floats | None:
    """Purchases expected by Pareto/NBD times the value of one expected by gamma-gamma, after returns, (rows,).

    Both are fitted on what was known at the date: the orders of all customers, the spend of those asked about. None
    where they cannot be. Source: Fader, Hardie, Lee, "RFM and CLV", Journal of Marketing Research 42, 2005.

    Parameters
    ----------
    histories
        ``features.order_histories`` of the date.
    """
    if not {*HISTORY, *SPEND_COLUMNS} <= set(names):
        return None
    asked = pd.DataFrame({name: X[:, names.index(name)].astype(np.float64) for name in HISTORY})
    bought = asked.notna().all(axis=1).to_numpy()
    days, value = spend_from_snapshot(X, names)
    try:
        buying = ParetoNbd.fit(statistics(histories), count=histories["customers"].to_numpy(float))
        spending = GammaGamma.fit(days, value)
    except BtydFitError:
        return None
    expected = np.zeros(len(X))
    expected[bought] = buying.expected_purchases(statistics(asked[bought]), horizon_days)
    return expected * spending.expected_value(days, value) * (1 - returned_share)


def baselines(model: ValueModel, origin: Origin, horizon_days: int, histories: Path | None) -> dict[str, Floats]:
    """Net spend at an origin by each of them, fitted on what was known then, (rows,)."""
    known, test = origin.known, origin.test
    average = fit_historical_average(known.X, known.names, returned_share=model.returned_share)
    found = {
        "historical_average": average.predict(test.X, test.names, horizon_days)[0],
        "frequency_x_value": frequency_times_value(test.X, test.names, horizon_days),
    }
    if histories is not None:
        told = read_histories(histories, origin.date)
        classical = purchases_times_value(test.X, test.names, told, horizon_days, model.returned_share)
        found |= {} if classical is None else {"pareto_nbd_gamma_gamma": classical}
    return found


def _columns(X: NDArray[np.float32], names: Sequence[str]) -> tuple[Floats, Floats, Floats]:
    """Spend and orders of the last year and over how many days; nothing where a feature is missing."""
    spend, orders, days = (
        np.nan_to_num(X[:, names.index(name)].astype(np.float64)) if name in names else np.zeros(len(X))
        for name in COLUMNS
    )
    return spend, orders, np.clip(days, 1, YEAR_DAYS)
