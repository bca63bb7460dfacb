"""What BG/NBD and MBG/NBD share: customers may cease to be customers only right after a purchase.

Belongs here: their likelihood and expectations. Does not belong here: at which purchases that may happen, which is
all in which the two differ (``ml.btyd.bg_nbd``, ``ml.btyd.mbg_nbd``).

Purchases come at rate lambda ~ Gamma(r, alpha); after each that counts the customer leaves with probability p ~
Beta(a, b). Of a customer who still is one, lambda ~ Gamma(r + x, alpha + T) and p ~ Beta(a, b + k), where k is how
often they could have left and did not. From there on both models are one.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import betaln, digamma, expit, exprel, gammaln

from ml.btyd.model import BtydModel
from ml.btyd.quadrature import beta_nodes
from ml.btyd.statistics import Statistics
from ml.evaluation import Floats


@dataclass(frozen=True)
class DropoutAtPurchase(BtydModel):
    """Rate of purchase Gamma(r, alpha), alpha in days; probability of leaving Beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float

    PRIOR: ClassVar = {"r": (0.7, 1.5), "alpha": (60.0, 2.0), "a": (0.8, 1.5), "b": (2.0, 1.5)}

    @staticmethod
    @abstractmethod
    def chances_to_leave(frequency: Floats) -> Floats:
        """How often a customer could have left by the last purchase."""

    @classmethod
    def log_likelihood(cls, parameters: Floats, stats: Statistics) -> tuple[Floats, Floats]:
        r, alpha, a, b = parameters
        x, k = stats.frequency, cls.chances_to_leave(stats.frequency)
        at_end, at_last = np.log(alpha + stats.age), np.log(alpha + stats.recency)
        log_odds = _log_odds_of_leaving(parameters, stats, k)
        gone = expit(log_odds)
        value = (
            gammaln(r + x) - gammaln(r) + r * np.log(alpha)
            + betaln(a, b + k) - betaln(a, b)
            - (r + x) * at_end + np.logaddexp(0.0, log_odds)
        )  # fmt: skip
        lost = digamma(a + b) - digamma(a + b + k)
        slope = np.stack([
            digamma(r + x) - digamma(r) + np.log(alpha) - (1 - gone) * at_end - gone * at_last,
            r / alpha - (r + x) * ((1 - gone) / (alpha + stats.age) + gone / (alpha + stats.recency)),
            lost + gone / a,
            lost + digamma(b + k) - digamma(b) - gone / np.maximum(b + k - 1, b),
        ])  # fmt: skip
        return value, slope

    @classmethod
    def slope_by_time(cls, parameters: Floats, stats: Statistics) -> tuple[Floats, Floats]:
        """How the log-likelihood of each customer changes with recency and with age, (rows,) each."""
        gone = expit(_log_odds_of_leaving(parameters, stats, cls.chances_to_leave(stats.frequency)))
        pace = parameters[0] + stats.frequency
        return -gone * pace / (parameters[1] + stats.recency), -(1 - gone) * pace / (parameters[1] + stats.age)

    def p_alive(self, stats: Statistics) -> Floats:
        """Source: Fader, Hardie, Lee, "Computing P(alive) using the BG/NBD model", 2008."""
        k = self.chances_to_leave(stats.frequency)
        return np.asarray(expit(-_log_odds_of_leaving(np.array([self.r, self.alpha, self.a, self.b]), stats, k)))

    def _p_purchase_if_alive(self, frequency: Floats, age: Floats, days: float) -> Floats:
        return -np.expm1(-(self.r + frequency) * np.log1p(days / (self.alpha + age)))

    def _purchases_if_alive(self, frequency: Floats, age: Floats, days: float) -> Floats:
        """Mean over p of (1 - E exp(-lambda p t)) / p: purchases until the one that they leave at, or the horizon."""

        def given(p: Floats, shape: Floats, rate: Floats) -> Floats:
            return -np.expm1(-shape * np.log1p(p * days / rate)) / p

        return self._mean_over_p(given, frequency, age)

    def _lifetime_if_alive(self, frequency: Floats, age: Floats, days: float) -> Floats:
        """They leave at rate lambda p; the integral of E exp(-lambda p u) over u from 0 to the cap."""

        def given(p: Floats, shape: Floats, rate: Floats) -> Floats:
            ahead = np.log1p(p * days / rate)
            return rate / p * ahead * exprel(-(shape - 1) * ahead)

        return self._mean_over_p(given, frequency, age)

    def _mean_over_p(self, given: Callable[[Floats, Floats, Floats], Floats], frequency: Floats, age: Floats) -> Floats:
        mean = np.empty(len(age))
        for x in np.unique(frequency):
            own = frequency == x
            p, weight = beta_nodes(self.a, self.b + float(self.chances_to_leave(x)))
            rate = (self.alpha + age[own])[:, None]
            mean[own] = (weight * given(p, self.r + x, rate)).sum(axis=1)
        return mean


def _log_odds_of_leaving(parameters: Floats, stats: Statistics, k: Floats) -> Floats:
    """Left at the last purchase, against still there; minus infinity where nobody could have left."""
    r, alpha, a, b = parameters
    silent = np.log(alpha + stats.age) - np.log(alpha + stats.recency)
    log_odds = np.log(a) - np.log(np.maximum(b + k - 1, b)) + (r + stats.frequency) * silent
    return np.where(k > 0, log_odds, -np.inf)
