"""What an order is worth at its time of the year, against the usual order of the same customer.

Belongs here: how the season lifts the value of orders, and by how much those to come. Does not belong here: how many
will come (``ml.btyd.seasonal``), what the usual order of a customer is worth (``ml.btyd.gamma_gamma``).

People order more often before Christmas, and more at a time. The models of spend take the mean of a customer's last
year for what the next order will be worth, which is right in the mean of the year and wrong on any date. So let the
value of every order be the usual one of its customer times

    exp(a sin(t) + b cos(t)),  t the time of the year

fitted by least squares on logarithms, each less the mean of its customer: who orders at which time does not matter, nor
does what few large orders bring. One wave, since values move less than the pace of orders does, and no drift: within a
customer, values grow with the time that they stay.

Measured: how far the mean value of the orders of 90 days was off for who placed them, in the logarithm, root mean
square over monthly as-ofs with 13 months of history: Online Retail II .059 (the year's mean .094), CDNOW .023 (.031).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.btyd.clock import Clock
from ml.btyd.seasonal import YEAR_DAYS
from ml.evaluation import Floats

USUAL_DAYS = 365
"""The usual value of a customer's order is the mean of so many days."""
WAVE_SD = 0.2
"""Prior: orders of the best weeks are worth some 1.2 times the usual one."""
FEWEST_REPEATS = 30
"""Of orders, beyond the first of each customer."""


@dataclass(frozen=True)
class ValueSeason:
    """The coefficients of the wave, whose time counts from the as-of."""

    sine: float = 0.0
    cosine: float = 0.0

    @classmethod
    def fit(cls, sums: Mapping[str, float]) -> ValueSeason:
        """From a row of ``features.order_value_seasons``; no season where fewer than ``FEWEST_REPEATS`` tell of it."""
        if sums["repeat_orders"] < FEWEST_REPEATS:
            return cls()
        variance = max(sums["log_value_log_value"] / sums["repeat_orders"], 1e-12)
        across = sums["sine_cosine"]
        squares = np.array([[sums["sine_sine"], across], [across, sums["cosine_cosine"]]])
        products = np.array([sums["sine_log_value"], sums["cosine_log_value"]])
        found = np.linalg.solve(squares / variance + np.eye(2) / WAVE_SD**2, products / variance)
        return cls(*found.tolist())

    def at(self, day: NDArray[np.floating]) -> Floats:
        """Value of an order so many days from the as-of, as a multiple of the usual one."""
        angle = 2 * np.pi * day / YEAR_DAYS
        return np.exp(self.sine * np.sin(angle) + self.cosine * np.cos(angle))

    def ahead(self, clock: Clock, horizon_days: int, *, ago: int = 0) -> float:
        """Mean value of the orders of the horizon, against that of the last ``USUAL_DAYS``; ``ago`` days before the
        as-of, whose clock is given, in hindsight."""
        coming, been = np.diff(clock.ahead)[:horizon_days], np.diff(clock.behind)[:USUAL_DAYS]
        future = np.average(self.at(np.arange(len(coming)) + 0.5 - ago), weights=coming)
        past = np.average(self.at(-np.arange(len(been)) - 0.5 - ago), weights=been)
        return float(future / past)
