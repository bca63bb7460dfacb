"""What the newest model of repeat purchase would have expected at dates whose outcome is known.

Belongs here: turning its clock back, and how busy a date was or will be. Does not belong here: what is made of the
difference to what happened (``ml.churn.hindsight``, ``ml.value.steepness``, ``ml.value.recipe``).

A forecast of the past errs by the season that it could not know yet; in hindsight only what the model itself gets
wrong is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, Self

import numpy as np
import pandas as pd

from ml.btyd.expectations import HISTORY, OrderFiles, statistics
from ml.btyd.seasonal import Season, SeasonalMbgNbd
from ml.btyd.statistics import Statistics
from ml.btyd.value_season import ValueSeason
from ml.snapshots import Snapshots

LEAST, MOST = 0.5, 2.0
"""Ends of what a pace may make of slopes."""


@dataclass(frozen=True)
class Pace:
    """How busy the horizon after a date is by the season that a model of one as-of knows."""

    season: Season
    as_of: date
    """Day 0 of the season."""
    horizon_days: int
    usual: float = 0.0
    """Mean log pace of the horizons learned from."""

    def pace(self, day: date) -> float:
        """Log pace of the horizon after a day, against the usual one."""
        return float(np.log(self.season.pace((day - self.as_of).days, self.horizon_days))) - self.usual

    def slope(self, day: date, by_pace: float) -> float:
        """What log-odds or logarithms of amounts are multiplied by on a day, if slopes change so much with the pace."""
        return float(np.clip(1 + by_pace * self.pace(day), LEAST, MOST))

    def among(self, days: Sequence[date], rows: Sequence[int]) -> Self:
        """The same against what is usual on days with so many rows each."""
        raw = [self.pace(day) + self.usual for day in days]
        return replace(self, usual=float(np.average(raw, weights=rows)))

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "season": list(self.season.waves), "as_of": self.as_of.isoformat()}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        season, as_of = Season(tuple(content["season"])), date.fromisoformat(content["as_of"])
        return cls(**{**content, "season": season, "as_of": as_of})


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

    @property
    def pace(self) -> Pace:
        return Pace(self.season, self.as_of, self.horizon_days)

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
