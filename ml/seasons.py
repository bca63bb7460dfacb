"""Which snapshots speak for the season of a date, and how far a forecast that errs is believed to err again.

Belongs here: the calendar, and lasting errors. Does not belong here: what is learned from those snapshots
(``ml.churn.calibration``, ``ml.value.level``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from statistics import median

YEAR = timedelta(365)
SEASON_WINDOW_DAYS = 20
"""How far from the same day last year a snapshot may lie and still speak for it."""
PRIOR_SNAPSHOTS = 5.0
"""A lasting error of a level is believed as far as it would be, were there five more snapshots without it."""


def near_last_year(days: Iterable[date], as_of: date) -> dict[date, float]:
    """The days near the same day last year with their weight: 1 on the day itself, 0 from 20 days on."""
    last_year = as_of - YEAR
    near = {day: 1 - abs((day - last_year).days) / SEASON_WINDOW_DAYS for day in sorted(days)}
    return {day: weight for day, weight in near.items() if weight > 0}


def lasting(gaps: Mapping[date, float]) -> float:
    """How far off a forecast of the level is believed to be, given by how much it was."""
    return sum(gaps.values()) / (len(gaps) + PRIOR_SNAPSHOTS)


def usual(gaps: Sequence[float]) -> float:
    """How far off a level is believed to be that was off by so much at several dates, a few of them unlike the others:
    a young shop's first ones are."""
    return median(gaps) * len(gaps) / (len(gaps) + PRIOR_SNAPSHOTS) if gaps else 0.0
