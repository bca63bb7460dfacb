"""Shops whose customers order at gaps of their own, more or less regular, until they leave: when is the next order due?

Belongs here: the worlds, and the error of the rule beside its two halves. Does not belong here: the rule
(``ml.value.rhythm``).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ml.booster import Recipe, fit_trees
from ml.evaluation import Floats
from ml.timing import concordance
from ml.value.rhythm import _own_days, days_to_next_order

HORIZON, TAUGHT, JUDGED = 90, (500, 590, 680, 770), 900
"""Days: the horizon, as-ofs whose outcome teaches the pace, the as-of that is judged."""
LEAVING = 0.08
"""Chance of leaving after an order."""
NAMES = ("recency", "median_gap", "mean_gap", "orders", "age", "orders_90d", "orders_180d", "lateness")


def judged(variation: float, customers: int = 6000, seed: int = 5) -> dict[str, tuple[float, float]]:
    """Mean error of days, none taken for more than the horizon, and concordance: of both, the pace and the rhythm.

    Of customers with a rhythm; ``variation`` is the coefficient of variation of their gaps, which are gamma.
    """
    days = _order_days(variation, customers, seed)
    taught = [_seen(days, as_of) for as_of in TAUGHT]
    X, y = (np.concatenate(parts) for parts in zip(*((x, count) for x, _, count in taught), strict=True))
    trees = fit_trees(X.astype(np.float32), y, NAMES, Recipe(), seed=1, threads=1, objective={"objective": "poisson"})
    X, took, _ = _seen(days, JUDGED)
    pace = np.maximum(trees.booster.predict(X.astype(np.float32)), 1e-3) / HORIZON
    silent, median_gap, mean_gap = X[:, :3].T
    own = _own_days(silent, median_gap, mean_gap, variation)
    ways = {
        "both": days_to_next_order(pace, silent, median_gap, mean_gap, variation),
        "pace": np.log(2) / pace,
        "rhythm": own,
    }
    told = np.isfinite(own)
    return {name: _judge(took[told], np.nan_to_num(said[told], nan=1e4)) for name, said in ways.items()}


def _judge(took: Floats, said: Floats) -> tuple[float, float]:
    error = np.abs(np.minimum(took, HORIZON) - np.minimum(said, HORIZON)).mean()
    return float(error), concordance(took, said)


def lines(found: Mapping[float, Mapping[str, tuple[float, float]]]) -> list[str]:
    """A table: a world a row."""
    names = list(next(iter(found.values())))
    return [
        "gaps vary by  " + "".join(f"{name:>18}" for name in names),
        *(
            f"{variation:<14}" + "".join(f"{error:>10.2f} {order:>6.3f} " for error, order in one.values())
            for variation, one in found.items()
        ),
    ]


def _order_days(variation: float, customers: int, seed: int) -> Floats:
    """Days of orders of each customer, infinite after the last, shape (customers, orders)."""
    rng, shape, most = np.random.default_rng(seed), 1 / variation**2, 80
    usual, first = rng.lognormal(np.log(35), 0.6, customers), rng.uniform(0, 600, customers)
    gaps = usual[:, None] * rng.gamma(shape, 1 / shape, (customers, most))
    has_left = np.cumsum(rng.random((customers, most)) < LEAVING, axis=1) > 0
    days = first[:, None] + np.concatenate([np.zeros((customers, 1)), np.cumsum(gaps, axis=1)], axis=1)
    days[:, 1:][has_left] = np.inf
    return np.asarray(np.round(days))


def _seen(days: Floats, as_of: int) -> tuple[Floats, Floats, Floats]:
    """Features of who has a gap by then, days to the next order (infinite beyond the horizon), orders within it."""
    past = np.where(days < as_of, days, np.nan)
    count = np.isfinite(past).sum(axis=1)
    days, past, count = days[count > 1], past[count > 1], count[count > 1]
    gaps = np.diff(past, axis=1)
    median, mean = np.nanmedian(gaps, axis=1), np.nanmean(gaps, axis=1)
    silent = as_of - np.nanmax(past, axis=1)
    ahead = np.where(days >= as_of, days, np.inf).min(axis=1) - as_of
    recent = [(past > as_of - window).sum(axis=1) for window in (90, 180)]
    X = np.column_stack([silent, median, mean, count, as_of - past[:, 0], *recent, silent / np.maximum(median, 1)])
    orders = ((days >= as_of) & (days < as_of + HORIZON)).sum(axis=1)
    return X, np.where(ahead < HORIZON, ahead, np.inf), orders.astype(float)
