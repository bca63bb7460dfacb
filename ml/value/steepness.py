"""How far apart customers lie in what they will bring, given how busy the shop will be, told in hindsight.

Belongs here: what the logarithms of expected amounts are multiplied with at a date. Does not belong here: their sum
(``ml.value.level``), the same of churn (``ml.churn.hindsight``).

The model of repeat purchase has one season for everybody, but a busy season brings more from those who seldom buy than
from those who always do, so that customers lie closer together than is expected; in a quiet one farther apart. On
Online Retail II the power that expected spend had to be raised to, the newest model's clock turned back to each date
whose outcome was known, was .97 where the horizon was at 1.6 times the mean pace and 1.14 where it was at nine tenths
of it. So

    log amount *= 1 + by_pace * (log pace - usual)

learned from those dates, each at a level of its own. A slope that they all ask for is left alone: the learners correct
what the expectation gets wrong of every date (in the demo shop it would have made amounts by decile worse). Steepness
changes no rank within a date, but what groups of customers bring, and ranks over several dates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from ml.btyd.hindsight import LEAST, Pace
from ml.evaluation import Floats

STIFFNESS = np.array([0.01, 0.002])
"""Per row, of the slope and of what the pace does to it: outcomes of one date stand and fall together, so rows are
worth less than they are many. Of log paces with a standard deviation of .2 some nine tenths are believed."""
FLOOR = 1e-4
"""No row is expected to bring less than this share of the mean of its date: a logarithm is taken of it."""


@dataclass(frozen=True)
class Seen:
    """Of one date whose outcome is known: what is expected in hindsight and what came, (rows,) each."""

    day: date
    expected: Floats
    came: Floats


@dataclass(frozen=True)
class Steepness(Pace):
    """What a model of one as-of has learned; says of any date what to make of its expectations."""

    by_pace: float = 0.0

    def at(self, day: date) -> float:
        """What the logarithms of amounts are multiplied with at an as-of."""
        return self.slope(day, self.by_pace)


def fit_steepness(pace: Pace, seen: Sequence[Seen], *, power: float) -> Steepness | None:
    """Most likely, were variance proportional to mean ** ``power``; None where nothing was expected, or nothing came.

    Fisher scoring of a Tweedie model with a logarithmic link: log amount times slope and times pace, drawn to a slope
    of 1 that does not change. Given those, the level of each date is known in closed form. Source: Jørgensen,
    "Exponential dispersion models", 1987.
    """
    told = [one for one in seen if min(one.expected.sum(), one.came.sum()) > 0]
    if not told:
        return None
    rows = [len(one.came) for one in told]
    flat = Steepness(pace.season, pace.as_of, pace.horizon_days).among([one.day for one in told], rows)
    designs, ys = [_design(one.expected, flat.pace(one.day)) for one in told], [_scaled(one.came) for one in told]
    prior, stiffness = np.array([1.0, 0.0]), sum(rows) * STIFFNESS
    slopes = prior
    for _ in range(40):
        gradient, curve = stiffness * (prior - slopes), np.diag(stiffness)
        for design, y in zip(designs, ys, strict=True):
            margin = design @ slopes
            level = (y * np.exp((1 - power) * margin)).sum() / np.exp((2 - power) * margin).sum()
            mean = level * np.exp(margin)
            weight = mean ** (2 - power)
            centered = design - (weight[:, None] * design).sum(axis=0) / weight.sum()
            gradient += centered.T @ ((y - mean) * mean ** (1 - power))
            curve += centered.T @ (centered * weight[:, None])
        step = np.linalg.solve(curve, gradient)
        slopes = slopes + np.clip(step, -0.5, 0.5)
        if np.abs(step).max() < 1e-9:
            break
    return replace(flat, by_pace=float(slopes[1] / max(slopes[0], LEAST)))


def _design(expected: Floats, pace: float) -> Floats:
    log = np.log(np.maximum(_scaled(expected), FLOOR))
    return np.column_stack([log, pace * log])


def _scaled(amounts: Floats) -> Floats:
    return amounts / amounts.mean()
