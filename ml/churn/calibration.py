"""From a model's log-odds to a probability that can be believed.

Belongs here: Platt's line and the seasonal level. Does not belong here: metrics (``ml.evaluation``).

A model trained on a year of snapshots knows the average season, not the one to come, and the level matters more
than the learner. What it missed at the same time last year is the best hint of what it will miss now; half of
it is believed, because one season is one draw (Online Retail II, mean log-loss of four cutoffs from June to
September 2011: .542 without the shift, .534 with the whole of it, .533 with half).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from ml.evaluation import Floats, expit
from ml.seasons import near_last_year

BELIEF = 0.5
SLOPE_PRIOR_SD, INTERCEPT_PRIOR_SD = 0.25, 0.5


@dataclass(frozen=True)
class Line:
    """Platt scaling, ``logit p = slope * margin + intercept`` (Platt 1999): two parameters, no more to overfit."""

    slope: float = 1.0
    intercept: float = 0.0

    def probability(self, margin: Floats) -> Floats:
        return expit(self.slope * margin + self.intercept)


def fit_line(margin: Floats, y: Floats, *, knows_season: bool) -> Line:
    """The line of one later snapshot, drawn to (1, 0) where there are few customers.

    Of what it says only half is kept: one later date is one draw of the dates to come. Its level is kept only where
    the season has been taken out of ``margin`` first, else February's level would be expected in June.
    """
    X, prior, beta = np.column_stack([margin, np.ones_like(margin)]), np.array([1.0, 0.0]), np.array([1.0, 0.0])
    precision = np.array([SLOPE_PRIOR_SD, INTERCEPT_PRIOR_SD]) ** -2.0
    for _ in range(30):
        p = expit(X @ beta)
        hessian = X.T @ (X * (p * (1 - p))[:, None]) + np.diag(precision)
        step = np.linalg.solve(hessian, X.T @ (y - p) - precision * (beta - prior))
        beta = beta + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-10:
            break
    slope, intercept = prior + BELIEF * (beta - prior)
    return Line(float(slope), float(intercept) if knows_season else 0.0)


def level_gap(margin: Floats, y: Floats) -> float:
    """What must be added to the log-odds so that they predict as many as there were."""
    low, high = -6.0, 6.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if expit(margin + middle).mean() < y.mean() else (low, middle)
    return (low + high) / 2


def season_shift(gaps: Mapping[date, float], as_of: date) -> float:
    """Half of the level gap of the snapshots nearest to the same day last year; 0 where there is none."""
    weights = near_last_year(gaps, as_of)
    if not weights:
        return 0.0
    return BELIEF * sum(gaps[day] * weight for day, weight in weights.items()) / sum(weights.values())


def knows_season(gaps: Mapping[date, float], as_of: date) -> bool:
    """Whether any snapshot lies near the same day last year."""
    return bool(near_last_year(gaps, as_of))
