"""Customers who live by one of the buy-till-you-die models, with what the models only guess: whether they still buy.

Belongs here: the simulation that tests of ``ml.btyd`` share. Does not belong here: assertions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.btyd.bg_nbd import BgNbd
from ml.btyd.mbg_nbd import MbgNbd
from ml.btyd.model import BtydModel
from ml.btyd.pareto_nbd import ParetoNbd
from ml.btyd.statistics import Statistics

KINDS = (BgNbd, MbgNbd, ParetoNbd)
TRUTHS: tuple[BtydModel, ...] = (
    BgNbd(r=0.8, alpha=25.0, a=0.9, b=3.0),
    MbgNbd(r=1.2, alpha=40.0, a=0.8, b=2.0),
    ParetoNbd(r=0.9, alpha=30.0, s=0.8, beta=120.0),
)
MOST_PURCHASES = 300


@dataclass(frozen=True)
class Lives:
    """Customers up to today, and their next ``horizon_days``."""

    stats: Statistics
    is_alive: NDArray[np.bool_]
    days_left: NDArray[np.float64]
    """Until they cease to be customers, 0 for who has."""
    purchases: NDArray[np.float64]


def live(truth: BtydModel, customers: int, horizon_days: float, *, seed: int) -> Lives:
    """Draw rates, purchases and the end of each customer, who came 50 to 400 days ago."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(50, 400, customers)
    rate = rng.gamma(truth.r, 1 / truth.alpha, customers)  # type: ignore[attr-defined]
    times = np.cumsum(rng.exponential(size=(customers, MOST_PURCHASES)) / rate[:, None], axis=1)
    end = _end(truth, times, rng)
    made = times <= end[:, None]
    past = made & (times <= age[:, None])
    later = made & ~past & (times <= (age + horizon_days)[:, None])
    recency = np.where(past, times, 0).max(axis=1)
    return Lives(
        stats=Statistics(past.sum(axis=1).astype(float), recency, age),
        is_alive=end > age,
        days_left=np.maximum(end - age, 0),
        purchases=later.sum(axis=1).astype(float),
    )


def _end(truth: BtydModel, times: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    customers = len(times)
    if isinstance(truth, ParetoNbd):
        return rng.exponential(1 / rng.gamma(truth.s, 1 / truth.beta, customers))
    chance = np.maximum(rng.beta(truth.a, truth.b, customers), 1e-12)  # type: ignore[attr-defined]
    left_after = rng.geometric(chance) - isinstance(truth, MbgNbd)
    with_first = np.column_stack([np.zeros(customers), times, np.full(customers, np.inf)])
    return with_first[np.arange(customers), np.minimum(left_after, MOST_PURCHASES + 1)]
