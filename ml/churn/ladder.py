"""A smoothed rate of churn by where a customer stands on a simple ladder of risk.

Belongs here: rates of the groups of a rule (``ml.churn.rules``). Does not belong here: the rules, when the ladder
speaks (``ml.churn.fallback``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.churn.rules import SILENCE, Rule
from ml.churn.wording import GAP
from ml.evaluation import Floats

PRIOR_CUSTOMERS = 20.0
"""How many customers the rule's own belief is worth."""


@dataclass(frozen=True)
class Ladder:
    """Rates of the rule's groups, rising; ``usual_gap`` in days stands in for customers without a gap of their own."""

    rule: Rule
    read: tuple[str, ...]
    """Columns that the rule found."""
    usual_gap: float
    rates: tuple[float, ...]

    @property
    def version(self) -> str:
        return f"fallback:{self.rule.name}"

    def predict(self, X: NDArray[np.float32], names: Sequence[str]) -> Floats:
        """Probability of churn, (rows,)."""
        return np.asarray(self.rates)[self.rule.group(X, names, self.read, self.usual_gap)]

    def contributions(self, X: NDArray[np.float32], names: Sequence[str]) -> Floats:
        """What the one column that speaks adds to the middle rate; (rows, features).

        The first that was read, except where one that is a yes or no (``is_``) says yes.
        """
        push, said = np.zeros(X.shape), self.predict(X, names) - self.base_rate
        if not self.read:
            return push
        speaks = np.full(len(X), names.index(self.read[0]))
        for name in self.read:
            if name.startswith("is_"):
                speaks[X[:, names.index(name)] > 0] = names.index(name)
        push[np.arange(len(X)), speaks] = said
        return push

    @property
    def base_rate(self) -> float:
        return float(np.mean(self.rates))


def fit_ladder(
    known: NDArray[np.float32],
    y: Floats,
    present: NDArray[np.float32],
    names: Sequence[str],
    *,
    active_days: int,
    rule: Rule = SILENCE,
) -> Ladder:
    """Rates from whatever outcomes are known (may be none), pulled towards the prior, made to rise.

    Parameters
    ----------
    known, y
        Features and outcomes of finished snapshots, (rows, features) and (rows,).
    present
        Features of the customers to be scored; their gaps give the shop's usual one.
    active_days
        A quarter of it is the usual gap of a shop in which nobody has ordered twice.
    """
    read = rule.read(present, names)
    usual_gap = active_days / 4
    if GAP in names and np.isfinite(present[:, names.index(GAP)]).any():
        usual_gap = max(float(np.nanmedian(present[:, names.index(GAP)])), 1.0)
    prior = np.array(rule.prior_rates)
    group = rule.group(known, names, read, usual_gap)
    size, churned = (np.bincount(group, w, len(prior)) for w in (None, y))
    rates = (churned + PRIOR_CUSTOMERS * prior) / (size + PRIOR_CUSTOMERS)
    return Ladder(rule, read, usual_gap, tuple(_rising(rates.tolist(), (size + PRIOR_CUSTOMERS).tolist())))


def _rising(rates: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Neighbours in the wrong order share their mean (pool adjacent violators, Ayer et al. 1955)."""
    blocks: list[tuple[float, float, int]] = []
    for rate, weight in zip(rates, weights, strict=True):
        blocks.append((float(rate), float(weight), 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (low, w, n), (high, v, m) = blocks.pop(), blocks.pop()
            blocks.append(((low * w + high * v) / (w + v), w + v, n + m))
    return [rate for rate, _, count in blocks for _ in range(count)]
