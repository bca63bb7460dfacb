"""Churn where nothing can be learned yet: a smoothed rate by how long the silence is against the usual gap.

Belongs here: the simple rule for tiny or young shops. Does not belong here: anything fitted by LightGBM.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.churn.wording import GAP
from ml.evaluation import Floats

VERSION = "fallback:recency"
EDGES = (0.5, 1.0, 2.0, 4.0)
"""Silence over the usual gap between orders parts customers into five groups."""
PRIOR_RATES = (0.25, 0.35, 0.50, 0.70, 0.85)
"""What is believed of each group before any outcome is known: the longer the silence, the likelier the end."""
PRIOR_CUSTOMERS = 20.0
"""How many customers that belief is worth."""
RECENCY = ("days_since_last_order", "days_since_last_event")


@dataclass(frozen=True)
class Fallback:
    """Rates of the five groups, rising; ``usual_gap`` in days stands in for customers without a gap of their own."""

    recency: str | None
    usual_gap: float
    rates: tuple[float, ...]

    def predict(self, X: NDArray[np.float32], names: Sequence[str]) -> Floats:
        """Probability of churn, (rows,)."""
        return np.asarray(self.rates)[_group(X, names, self.recency, self.usual_gap)]

    def contributions(self, X: NDArray[np.float32], names: Sequence[str]) -> Floats:
        """What recency, the only feature that speaks, adds to the middle rate; (rows, features)."""
        push = np.zeros(X.shape)
        if self.recency:
            push[:, names.index(self.recency)] = self.predict(X, names) - self.base_rate
        return push

    @property
    def base_rate(self) -> float:
        return float(np.mean(self.rates))


def fit_fallback(
    known: NDArray[np.float32], y: Floats, present: NDArray[np.float32], names: Sequence[str], *, active_days: int
) -> Fallback:
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
    recency = next((n for n in RECENCY if n in names and np.isfinite(present[:, names.index(n)]).any()), None)
    usual_gap = active_days / 4
    if GAP in names and np.isfinite(present[:, names.index(GAP)]).any():
        usual_gap = max(float(np.nanmedian(present[:, names.index(GAP)])), 1.0)
    prior = np.array(PRIOR_RATES)
    group = _group(known, names, recency, usual_gap)
    size, churned = (np.bincount(group, w, len(prior)) for w in (None, y))
    rates = (churned + PRIOR_CUSTOMERS * prior) / (size + PRIOR_CUSTOMERS)
    return Fallback(recency, usual_gap, tuple(_rising(rates.tolist(), (size + PRIOR_CUSTOMERS).tolist())))


def _group(X: NDArray[np.float32], names: Sequence[str], recency: str | None, usual_gap: float) -> NDArray[np.intp]:
    silence = X[:, names.index(recency)].astype(float) if recency else np.full(len(X), np.nan)
    gap = X[:, names.index(GAP)].astype(float) if GAP in names else np.full(len(X), np.nan)
    ratio = silence / np.maximum(np.where(np.isfinite(gap), gap, usual_gap), 1.0)
    return np.searchsorted(EDGES, np.where(np.isfinite(ratio), ratio, EDGES[-1] + 1), side="right")


def _rising(rates: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Neighbours in the wrong order share their mean (pool adjacent violators, Ayer et al. 1955)."""
    blocks: list[tuple[float, float, int]] = []
    for rate, weight in zip(rates, weights, strict=True):
        blocks.append((float(rate), float(weight), 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (low, w, n), (high, v, m) = blocks.pop(), blocks.pop()
            blocks.append(((low * w + high * v) / (w + v), w + v, n + m))
    return [rate for rate, _, count in blocks for _ in range(count)]
