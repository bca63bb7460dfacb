"""How much all customers together will spend: a forecast that is independent of the model for each of them.

Belongs here: totals by snapshot, and what they say of the total to come. Does not belong here: ranking customers.

A model trained on a year of snapshots expects the average season of each customer, whatever the date. So the sum of
its predictions is moved to another forecast. Where models of repeat purchase speak (``ml.value.base``) it is the sum of
what they expect: they know the season of the orders that have come, no outcome need be known. What that sum was off by
at earlier dates says little of the next, since it did not know the season then: moving it by the mean of that made two
simulated shops worse (root mean square error of the logarithm over five dates .041 and .041, without .030 and .038).
What the newest model misses in hindsight (``ml.btyd.hindsight``) does tell: Online Retail II .106 over nine dates (.124
without), demo shop .021 over eight (.020). Elsewhere it is what was spent in the same window last year, times the
growth since, measured as the last window's spend against last year's last window.

Both are told from what customers did with the plays that were sent, and a value is what they bring without: see
``without``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from ml.evaluation import Floats
from ml.seasons import near_last_year
from ml.snapshots import Snapshots, day_number

WINDOWS = (30, 90, 180, 365)
"""Windows of features, days."""
LIMIT = 3.0
"""A forecast beyond three times the model's own sum, or below a third of it, is believed only so far."""


@dataclass(frozen=True)
class Season:
    """By snapshot: the total within the horizon after it, and the total of the window before it."""

    totals: Mapping[date, tuple[float, float]]

    def forecast(self, as_of: date, hint: float) -> float | None:
        """Expected total after ``as_of``, whose window before it brought ``hint``; None without last year's."""
        known = {day: pair for day, pair in self.totals.items() if min(pair) > 0}
        weights = near_last_year(known, as_of)
        if not weights or hint <= 0:
            return None
        logs = sum(w * float(np.log(known[day][0] / known[day][1])) for day, w in weights.items())
        return hint * float(np.exp(logs / sum(weights.values())))


def factor(forecast: float | None, own_sum: float) -> float:
    """What the model's predictions are multiplied with; 1 where nothing forecasts their sum."""
    if forecast is None or forecast <= 0 or own_sum <= 0:
        return 1.0
    return float(np.clip(forecast / own_sum, 1 / LIMIT, LIMIT))


def season_of(rows: Snapshots, y: Floats, recent: str) -> Season:
    """Totals of each snapshot in ``rows``; ``recent`` is the feature of the window before."""
    before = np.nan_to_num(rows.column(recent))
    own = {day: rows.day == day_number(day) for day in rows.dates}
    return Season({day: (float(y[mask].sum()), float(before[mask].sum())) for day, mask in own.items()})


def recent_feature(measure: str, horizon_days: int, names: Sequence[str]) -> str | None:
    """The feature of the window nearest to the horizon, such as ``spend_90d``; None where there is none."""
    windows = [w for w in WINDOWS if f"{measure}_{w}d" in names]
    return f"{measure}_{min(windows, key=lambda w: abs(w - horizon_days))}d" if windows else None
