"""What seasonal models expect of every customer of an as-of, as columns beside their features.

Belongs here: from histories of orders to ``COLUMNS``. Does not belong here: the model (``ml.btyd.seasonal``), and who
reads the columns: features like any other, and where churn is told from orders the level of its scores as well
(``ml.churn``).

Whoever shares a history shares an expectation, so nothing here is as long as the list of customers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.btyd.model import BtydFitError
from ml.btyd.seasonal import FEWEST_DAYS, SeasonalMbgNbd, fit_seasonal
from ml.btyd.statistics import Statistics
from ml.btyd.value_season import ValueSeason
from ml.evaluation import Floats
from ml.parallel import one_blas_thread

HISTORY = ("repeat_order_days", "days_since_first_order", "days_since_last_order")
INACTIVE, ALIVE, ORDERS = "btyd_inactive_probability", "btyd_alive_probability", "btyd_expected_orders"
ORDER_VALUES = "btyd_expected_order_values"
COLUMNS = (INACTIVE, ALIVE, ORDERS, ORDER_VALUES)
"""Probability of no order within the horizon; of still being a customer; days with an order within the horizon; what
these will bring, in orders of the customer's usual value."""
PLACES = 6
FITTED_CUSTOMERS = 50_000
"""Eleven numbers need no more of them."""


def expectations(
    histories: pd.DataFrame, totals: pd.DataFrame, horizon_days: int, *, values: pd.DataFrame | None = None
) -> pd.DataFrame:
    """``HISTORY`` and ``COLUMNS`` of every history of one as-of; NaN where no model can be fitted.

    Parameters
    ----------
    histories
        ``features.order_histories`` of that as-of: ``HISTORY`` and ``customers``, one row each.
    totals
        ``features.repeat_order_totals`` of that as-of: ``age_days`` (from 1 on) and ``customers``.
    values
        ``features.order_value_seasons`` of that as-of, one row or none; None where no value of an order is known.
    """
    told = histories.sort_values(list(HISTORY), ignore_index=True)
    stats = statistics(told)
    try:
        model = fitted(told, totals, horizon_days)
    except BtydFitError:
        found = [np.full(len(told), np.nan) for _ in COLUMNS]
    else:
        orders = model.expected_purchases(stats, horizon_days)
        found = [
            1 - model.p_active(stats, horizon_days),
            model.p_alive(stats),
            orders,
            orders * _value_ahead(model, values, horizon_days),
        ]
    return told[list(HISTORY)].assign(**{n: v.round(PLACES) for n, v in zip(COLUMNS, found, strict=True)})


def fitted(histories: pd.DataFrame, totals: pd.DataFrame, horizon_days: int) -> SeasonalMbgNbd:
    """The model of one as-of, from its histories in ascending order and its totals.

    Raises
    ------
    BtydFitError
        Nobody has bought anything, or no optimum was found.
    """
    stats = statistics(histories)
    return _fit(stats, histories["customers"].to_numpy(float), _daily(totals, stats), horizon_days)


@dataclass(frozen=True)
class OrderFiles:
    """What models of repeat purchase are fitted on, of many as-ofs (``orchestration.snapshots``)."""

    histories: Path
    """``order_histories.parquet``."""
    totals: Path
    """``repeat_order_totals.parquet``."""
    values: Path | None = None
    """``order_value_seasons.parquet``; None where no value of an order is known."""

    @classmethod
    def of(cls, folder: Path) -> OrderFiles:
        """Those of a folder of snapshots."""
        values = folder / "order_value_seasons.parquet"
        known = values if values.exists() else None
        return cls(folder / "order_histories.parquet", folder / "repeat_order_totals.parquet", known)

    def fitted(self, as_of: date, horizon_days: int) -> SeasonalMbgNbd | None:
        """The model of an as-of whose expectations stand among its features; None where none can be fitted."""
        with one_blas_thread():
            try:
                return fitted(read_histories(self.histories, as_of), read_totals(self.totals, as_of), horizon_days)
            except BtydFitError:
                return None

    def value_season(self, as_of: date) -> ValueSeason:
        """The season of values that an as-of knows, of one whose model knows a season; steady where it tells none."""
        values = None if self.values is None else read_totals(self.values, as_of)
        return ValueSeason() if values is None or values.empty else _value_season(values)


def knows_season(X: NDArray[np.float32], names: Sequence[str]) -> bool:
    """Whether enough lay behind an as-of, whose rows are given, for its expectations to know the season."""
    first = HISTORY[1]
    return first not in names or float(np.nanmax(X[:, names.index(first)], initial=0.0)) >= FEWEST_DAYS


def read_histories(path: Path, day: date) -> pd.DataFrame:
    """The histories of one as-of out of ``order_histories.parquet``, ascending."""
    return pd.read_parquet(path, filters=[("as_of_date", "==", day)]).sort_values(list(HISTORY), ignore_index=True)


def read_totals(path: Path, day: date) -> pd.DataFrame:
    """The rows of one as-of out of ``repeat_order_totals.parquet`` or ``order_value_seasons.parquet``."""
    return pd.read_parquet(path, filters=[("as_of_date", "==", day)])


def statistics(histories: pd.DataFrame) -> Statistics:
    """The columns ``HISTORY`` as the models want them."""
    frequency, age, last = (histories[name].to_numpy(float) for name in HISTORY)
    return Statistics(frequency, age - last, age)


def _value_ahead(model: SeasonalMbgNbd, values: pd.DataFrame | None, horizon_days: int) -> float:
    """What an order of the horizon is worth against the usual one of its customer."""
    if values is None or values.empty or len(model.clock.behind) <= FEWEST_DAYS:
        return 1.0
    return _value_season(values).ahead(model.clock, horizon_days)


def _value_season(values: pd.DataFrame) -> ValueSeason:
    told = values.drop(columns="as_of_date", errors="ignore").iloc[0]
    return ValueSeason.fit({str(name): float(value) for name, value in told.items()})


def _daily(totals: pd.DataFrame, stats: Statistics) -> Floats:
    """Customers by days ago, from yesterday to the first order of all."""
    days = int(stats.age.max()) if len(stats) else 0
    by_day = np.bincount(totals["age_days"].to_numpy(int) - 1, totals["customers"].to_numpy(float), days)
    return by_day.astype(np.float64)


def _fit(stats: Statistics, count: Floats, repeats: Floats, horizon_days: int) -> SeasonalMbgNbd:
    share = FITTED_CUSTOMERS / max(float(count.sum()), 1.0)
    if share < 1:
        drawn = np.random.default_rng(0).binomial(count.astype(np.int64), share).astype(float)
        repeats = repeats * float(drawn @ stats.frequency) / max(float(count @ stats.frequency), 1.0)
        stats, count = stats.rows(drawn > 0), drawn[drawn > 0]
    return fit_seasonal(stats, repeats, horizon_days, count=count)
