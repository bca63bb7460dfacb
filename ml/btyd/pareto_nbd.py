"""Pareto/NBD: a customer may leave at any time.

Purchases come at rate lambda ~ Gamma(r, alpha), the end at rate mu ~ Gamma(s, beta). Of a customer who still is one,
lambda ~ Gamma(r + x, alpha + T) and mu ~ Gamma(s, beta + T), independent of each other.

Source: Schmittlein, Morrison, Colombo, "Counting your customers: who are they and what will they do next?", Management
Science 33, 1987; Fader, Hardie, "A note on deriving the Pareto/NBD model and related expressions", 2005. Their A_0, a
difference of two 2F1, is the integral over the day of leaving that stands here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import digamma, expit, exprel, gammaln

from ml.btyd.model import BtydModel
from ml.btyd.quadrature import decay_nodes
from ml.btyd.statistics import Statistics
from ml.evaluation import Floats


@dataclass(frozen=True)
class ParetoNbd(BtydModel):
    """Rate of purchase Gamma(r, alpha), rate of leaving Gamma(s, beta); alpha and beta in days."""

    r: float
    alpha: float
    s: float
    beta: float

    name: ClassVar[str] = "pareto_nbd"
    PRIOR: ClassVar = {"r": (0.7, 1.5), "alpha": (60.0, 2.0), "s": (0.7, 1.5), "beta": (100.0, 2.0)}

    @classmethod
    def log_likelihood(cls, parameters: Floats, stats: Statistics) -> tuple[Floats, Floats]:
        r, alpha, s, beta = parameters
        x, at_alpha, at_beta = stats.frequency, np.log(alpha + stats.age), np.log(beta + stats.age)
        stayed = -(r + x) * at_alpha - s * at_beta
        total, *sums = (np.zeros(len(stats)) for _ in range(5))
        for y, part in _days_of_leaving(parameters, stats):
            total += part
            for one, known in zip(
                sums, (np.log(alpha + y), np.log(beta + y), 1 / (alpha + y), 1 / (beta + y)), strict=True
            ):
                one += part * known
        log_alpha, log_beta, over_alpha, over_beta = (one / np.maximum(total, 1e-300) for one in sums)
        left = _log_left(parameters, stats, total)
        gone = expit(left - stayed)
        value = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta) + np.logaddexp(stayed, left)
        slope = np.stack([
            digamma(r + x) - digamma(r) + np.log(alpha) - (1 - gone) * at_alpha - gone * log_alpha,
            r / alpha - (r + x) * ((1 - gone) / (alpha + stats.age) + gone * over_alpha),
            np.log(beta) - (1 - gone) * at_beta + gone * (1 / s - log_beta),
            s / beta - s * (1 - gone) / (beta + stats.age) - (s + 1) * gone * over_beta,
        ])  # fmt: skip
        return value, slope

    def p_alive(self, stats: Statistics) -> Floats:
        rows, group = stats.kinds()
        parameters = np.array([self.r, self.alpha, self.s, self.beta])
        total = np.zeros(len(rows))
        for _, part in _days_of_leaving(parameters, rows):
            total += part
        stayed = -(self.r + rows.frequency) * np.log(self.alpha + rows.age) - self.s * np.log(self.beta + rows.age)
        return np.asarray(expit(stayed - _log_left(parameters, rows, total)))[group]

    def _purchases_if_alive(self, frequency: Floats, age: Floats, days: float) -> Floats:
        return (self.r + frequency) / (self.alpha + age) * self._lifetime_if_alive(frequency, age, days)

    def _lifetime_if_alive(self, frequency: Floats, age: Floats, days: float) -> Floats:  # noqa: ARG002
        ahead = np.log1p(days / (self.beta + age))
        return np.asarray((self.beta + age) * ahead * exprel(-(self.s - 1) * ahead))

    def _p_purchase_if_alive(self, frequency: Floats, age: Floats, days: float) -> Floats:
        """The first purchase comes after u days, and they are still there: integrated over u."""
        rate, shape, leaving = self.alpha + age, self.r + frequency, self.beta + age
        total = np.zeros(len(age))
        decay = (shape + 1) / rate + self.s / leaving
        for u, width in decay_nodes(np.zeros(len(age)), np.broadcast_to(days, age.shape), decay):
            total += width * np.exp(-(shape + 1) * np.log1p(u / rate) - self.s * np.log1p(u / leaving))
        return np.minimum(shape / rate * total, 1.0)


def _days_of_leaving(parameters: Floats, stats: Statistics) -> Iterator[tuple[Floats, Floats]]:
    """Days from the last purchase to the as-of, and how likely it is that they left then, relative to the first."""
    r, alpha, s, beta = parameters
    p, q, last = r + stats.frequency, s + 1, stats.recency
    for y, width in decay_nodes(last, stats.age, p / (alpha + last) + q / (beta + last)):
        yield y, width * np.exp(-p * np.log((alpha + y) / (alpha + last)) - q * np.log((beta + y) / (beta + last)))


def _log_left(parameters: Floats, stats: Statistics, total: Floats) -> Floats:
    """Log-likelihood that they left on any of these days; minus infinity where there are none."""
    r, alpha, s, beta = parameters
    first = -(r + stats.frequency) * np.log(alpha + stats.recency) - (s + 1) * np.log(beta + stats.recency)
    with np.errstate(divide="ignore"):
        return np.log(s) + np.log(total) + first
