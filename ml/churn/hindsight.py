"""What the expectation of the past got wrong by season, told in hindsight.

Belongs here: how far level and slope of the log-odds of a date are believed to be off, given how busy the shop will be.
Does not belong here: the season itself (``ml.btyd.seasonal``), errors that last whatever the season (``ml.seasons``).

The model of repeat purchase has one season for everybody. But a busy season brings back those who seldom buy, more than
it adds to those who always do: more customers buy than it expects, and they lie closer together; in a quiet one fewer
do, farther apart. On Online Retail II the model of 2011-09-01, which had seen all of it, was off in log-odds by -.41 on
the 90 days after 2010-09-01 and by +.23 on those after 2010-12-01, at six tenths of their pace; slopes were .80 and
1.20. So both are taken to change with the logarithm of the pace of the horizon, against what was usual among the dates
learned from:

    level += shift_by_pace * (log pace - usual)        log-odds *= 1 + slope_by_pace * (log pace - usual)

Both are learned from the newest model, its clock turned back to each date whose outcome is known. No model of the past
is needed for that, so dates speak before which too little lay to know any season. A young shop's customers are all new,
and stay more often than it expects; that fades, so a trend stands beside the pace, which nobody goes on by. Measured:
how far the level was off, in log-odds, root mean square over nine months of Online Retail II .09 (.14 without
hindsight); in the demo shop, whose customers all have one season, the calibration error of eight months is .013 either
way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from ml.btyd.hindsight import LEAST, Pace
from ml.btyd.seasonal import YEAR_DAYS
from ml.churn.calibration import SUM_STIFFNESS, Held, stacked
from ml.evaluation import Floats, level_gap

SHIFT_STIFFNESS, TREND_STIFFNESS = 0.1, 0.01
"""Of all dates together: five dates whose log paces have a standard deviation of .2 are believed by two thirds; the
trend, which only takes blame from the pace, is next to free."""
SLOPE_STIFFNESS = 0.002
"""Per row: at that spread of paces some eight tenths are taken from the data."""


@dataclass(frozen=True)
class Hindsight(Pace):
    """What a model of one as-of has learned of its expectation; says of any date what to make of it."""

    shift_by_pace: float = 0.0
    slope_by_pace: float = 0.0

    def shift(self, day: date) -> float:
        """What is added to the log-odds that are expected of everybody at an as-of."""
        return self.shift_by_pace * self.pace(day)

    def steepness(self, day: date) -> float:
        """What log-odds are multiplied by at an as-of."""
        return self.slope(day, self.slope_by_pace)

    def as_parameters(self) -> dict[str, float]:
        """What a training writes down of it."""
        return {name: round(getattr(self, name), 6) for name in ("shift_by_pace", "slope_by_pace")}


def fit_hindsight(pace: Pace, seen: Sequence[tuple[date, Held]]) -> Hindsight:
    """From dates whose outcome is known: the log-odds in hindsight, (rows, 1), and what happened."""
    flat = Hindsight(pace.season, pace.as_of, pace.horizon_days).among(
        [day for day, _ in seen], [len(one.y) for _, one in seen]
    )
    paces = np.array([flat.pace(day) for day, _ in seen])
    gaps = np.array([level_gap(one.margins[:, 0], float(one.y.mean())) for _, one in seen])
    sloped = [Held(one.margins * [1.0, flat.pace(day)], one.y) for day, one in seen]
    slope, by_pace = stacked(sloped, np.array([1.0, 0.0]), np.diag([SUM_STIFFNESS, SLOPE_STIFFNESS]))
    return replace(
        flat,
        shift_by_pace=_by_pace(gaps, paces, np.array([(day - pace.as_of).days / YEAR_DAYS for day, _ in seen])),
        slope_by_pace=float(by_pace / max(slope, LEAST)),
    )


def _by_pace(gaps: Floats, paces: Floats, years: Floats) -> float:
    """By how much the gaps of dates change with the log of their pace, whatever they do with time."""
    design = np.column_stack([paces - paces.mean(), years - years.mean()])
    curve = design.T @ design + np.diag([SHIFT_STIFFNESS, TREND_STIFFNESS])
    return float(np.linalg.solve(curve, design.T @ (gaps - gaps.mean()))[0])
