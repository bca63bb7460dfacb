"""What the newest model of repeat purchase would have expected at dates whose outcome is known.

Belongs here: turning its clock back. Does not belong here: what is made of the difference to what happened
(``ml.churn.hindsight``, ``ml.value.recipe``).

A forecast of the past errs by the season that it could not know yet; in hindsight only what the model itself gets
wrong is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from ml.btyd.expectations import HISTORY, OrderFiles, statistics
from ml.btyd.seasonal import Season, SeasonalMbgNbd
from ml.btyd.statistics import Statistics
from ml.btyd.value_season import ValueSeason
from ml.snapshots import Snapshots


@dataclass(frozen=True)
class Seen:
    """One date in hindsight."""

    day: date
    rows: Snapshots
    """Of those who had ordered."""
    stats: Statistics
    model: SeasonalMbgNbd
    """As of that date, knowing the season that followed."""
    value_ahead: float
    """What an order of the horizon was worth against the usual one of its customer, by the season of values."""


@dataclass(frozen=True)
class LookBack:
    """The model of an as-of, and the dates whose outcome was known at it."""

    model: SeasonalMbgNbd
    season: Season
    values: ValueSeason
    known: Snapshots
    as_of: date
    horizon_days: int

    def __iter__(self) -> Iterator[Seen]:
        for day in self.known.dates:
            rows = self.known.at([day])
            told = pd.DataFrame({name: rows.column(name) for name in HISTORY}, dtype=np.float64)
            stats = statistics(told.dropna())
            rows = rows.rows(told.notna().all(axis=1).to_numpy())
            if not len(rows):
                continue
            ago = (self.as_of - day).days
            model = self.model.earlier(ago, stats, self.horizon_days)
            yield Seen(day, rows, stats, model, self.values.ahead(model.clock, self.horizon_days, ago=ago))


def look_back(orders: OrderFiles | None, known: Snapshots, as_of: date, horizon_days: int) -> LookBack | None:
    """None without histories of orders, without a model, and where too little lies behind for it to know a season."""
    if orders is None or not set(HISTORY) <= set(known.names):
        return None
    model = orders.fitted(as_of, horizon_days)
    if model is None or model.season is None:
        return None
    return LookBack(model, model.season, orders.value_season(as_of), known, as_of, horizon_days)
