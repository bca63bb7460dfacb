"""Whether one model is better than another on the same customers, or only luckier.

Belongs here: paired resampling. Does not belong here: the metrics themselves (``ml.evaluation``,
``ml.amounts``) and the judgement (``ml.promotion``, ``ml.value.gate``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ml.amounts import gain_area, gini, spearman
from ml.evaluation import Floats, auc, auc_of_groups, row_log_loss, tie_ends

T = TypeVar("T")


@dataclass(frozen=True)
class Difference:
    """Challenger minus champion on the same customers, with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.4f} [{self.low:+.4f}, {self.high:+.4f}]"


def paired_bootstrap(
    y: Floats,
    challenger: Floats,
    champion: Floats,
    *,
    seed: int,
    draws: int = 500,
    customers: NDArray[np.int64] | None = None,
) -> dict[str, Difference]:
    """Difference in ``auc`` and ``log_loss``, customers drawn with replacement, both models on the same draw.

    Drawing pairs removes what both find hard, so that small real differences show (Efron, Tibshirani 1993).

    Parameters
    ----------
    customers
        Whose row each is, (rows,), where several dates are judged: a customer is drawn with all rows, because what one
        does on two dates is no independent evidence. Each row is a customer of its own if not given.
    """
    draw = _drawing(len(y), customers, seed)
    losses = row_log_loss(y, challenger) - row_log_loss(y, champion)
    ranked = [_ranked_auc(y, p) for p in (challenger, champion)]
    drawn = np.empty((draws, 2))
    for k in range(draws):
        w = draw()
        drawn[k] = ranked[0](w) - ranked[1](w), np.average(losses, weights=w)
    values = (auc(y, challenger) - auc(y, champion), float(losses.mean()))
    bounds = np.nanquantile(drawn, [0.025, 0.975], axis=0)
    return {
        name: Difference(value, float(bounds[0, k]), float(bounds[1, k]))
        for k, (name, value) in enumerate(zip(("auc", "log_loss"), values, strict=True))
    }


def paired_means(challenger: Floats, champion: Floats, *, seed: int, draws: int = 1000) -> Difference:
    """Difference of the means of a metric that each customer has, customers drawn with replacement.

    Parameters
    ----------
    challenger, champion
        The metric by customer, shape (customers,), both in the same order.
    """
    rng = np.random.default_rng(seed)
    difference = challenger - champion
    drawn = np.array([difference[rng.integers(0, len(difference), len(difference))].mean() for _ in range(draws)])
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Difference(float(difference.mean()), float(low), float(high))


def ratio(above: Floats, below: Floats, *, seed: int, draws: int = 1000) -> Difference:
    """Ratio of two sums over customers, drawn with replacement with both of their parts.

    Parameters
    ----------
    above, below
        What each customer adds to either sum, shape (customers,); all NaN where the second is zero.
    """
    if not below.sum() > 0:
        return Difference(float("nan"), float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    drawn = np.full(draws, np.nan)
    for k in range(draws):
        rows = rng.integers(0, len(above), len(above))
        total = below[rows].sum()
        drawn[k] = above[rows].sum() / total if total > 0 else np.nan
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return Difference(float(above.sum() / below.sum()), float(low), float(high))


def paired_metric(
    metric: Callable[[Floats, Floats], float],
    y: Floats,
    challenger: Floats,
    champion: Floats,
    *,
    seed: int,
    draws: int = 500,
) -> Difference:
    """Difference in any ``metric(y, p)``, customers drawn with replacement, both models on the same draw."""
    rng = np.random.default_rng(seed)

    def difference() -> float:
        rows = rng.integers(0, len(y), len(y))
        return metric(y[rows], challenger[rows]) - metric(y[rows], champion[rows])

    return _over(draws, difference, metric(y, challenger) - metric(y, champion))


def paired_gini(
    y: Floats,
    challenger: Floats,
    champion: Floats,
    *,
    seed: int,
    draws: int = 500,
    customers: NDArray[np.int64] | None = None,
) -> Difference:
    """Difference in normalised Gini of predicted amounts, customers drawn with replacement, both on the same draw.

    ``customers`` as in ``paired_bootstrap``.
    """
    draw = _drawing(len(y), customers, seed)
    sorted_by = [(np.argsort(-rank, kind="stable"), rank) for rank in (challenger, champion, y)]
    ranked = [(order, y[order], tie_ends(rank[order])) for order, rank in sorted_by]

    def difference() -> float:
        w = draw()
        ours, theirs, perfect = (gain_area(values, w[order], ends) for order, values, ends in ranked)
        return (ours - theirs) / perfect if perfect > 0 else float("nan")

    return _over(draws, difference, gini(y, challenger) - gini(y, champion))


def paired_spearman(
    y: Floats,
    challenger: Floats,
    champion: Floats,
    *,
    seed: int,
    draws: int = 500,
    customers: NDArray[np.int64] | None = None,
) -> Difference:
    """Difference in the correlation of ranks, customers drawn with replacement, both on the same draw.

    Rows are ranked anew in each draw, as who is drawn twice stands on two ranks; they are sorted once. ``customers`` as
    in ``paired_bootstrap``.
    """
    draw = _drawing(len(y), customers, seed)
    happened, ours, theirs = (np.unique(values, return_inverse=True)[1] for values in (y, challenger, champion))

    def difference() -> float:
        w = draw()
        ranks = _ranks_in_a_draw(happened, w)
        own, other = (_correlation(_ranks_in_a_draw(group, w), ranks, w) for group in (ours, theirs))
        return own - other

    return _over(draws, difference, spearman(y, challenger) - spearman(y, champion))


def _over(draws: int, difference: Callable[[], float], value: float) -> Difference:
    """A value with the interval of what many draws differ by."""
    low, high = np.nanquantile([difference() for _ in range(draws)], [0.025, 0.975])
    return Difference(value, float(low), float(high))


def _ranks_in_a_draw(group: NDArray[np.intp], w: Floats) -> Floats:
    """Rank of each row taken ``w`` times, ties at their mean rank; ``group`` numbers the values from below."""
    taken = np.bincount(group, w)
    return np.asarray((np.cumsum(taken) - taken / 2)[group])


def _correlation(a: Floats, b: Floats, w: Floats) -> float:
    a, b = a - np.average(a, weights=w), b - np.average(b, weights=w)
    spread = (w * a * a).sum() * (w * b * b).sum()
    return float((w * a * b).sum() / spread**0.5) if spread > 0 else float("nan")


def on_told_rows(
    compare: Callable[..., T],
    y: Floats,
    challenger: Floats,
    other: Floats,
    *,
    seed: int,
    customers: NDArray[np.int64] | None = None,
    among: NDArray[np.bool_] | None = None,
) -> T:
    """``paired_bootstrap`` or ``paired_gini`` on the rows of which the other says something, ``among`` those given."""
    told = np.isfinite(other) if among is None else among & np.isfinite(other)
    whose = None if customers is None else customers[told]
    return compare(y[told], challenger[told], other[told], seed=seed, customers=whose)


def _drawing(rows: int, customers: NDArray[np.int64] | None, seed: int) -> Callable[[], Floats]:
    """Each call draws anew how often every row is taken, (rows,)."""
    rng = np.random.default_rng(seed)
    whose = np.arange(rows) if customers is None else np.unique(customers, return_inverse=True)[1]
    count = int(whose.max(initial=-1)) + 1

    def draw() -> Floats:
        return np.bincount(rng.integers(0, count, count), minlength=count).astype(float)[whose]

    return draw


def gini_error(y: Floats, p: Floats, *, seed: int, draws: int = 200) -> float:
    """Standard error of the normalised Gini by the draw of customers; NaN where nothing happened."""
    rng = np.random.default_rng(seed)
    sorted_by = [(np.argsort(-rank, kind="stable"), rank) for rank in (p, y)]
    ranked = [(order, y[order], tie_ends(rank[order])) for order, rank in sorted_by]
    drawn = np.full(draws, np.nan)
    for k in range(draws if y.sum() > 0 else 0):
        w = np.bincount(rng.integers(0, len(y), len(y)), minlength=len(y)).astype(float)
        own, perfect = (gain_area(values, w[order], ends) for order, values, ends in ranked)
        drawn[k] = own / perfect if perfect > 0 else np.nan
    return float(np.nanstd(drawn)) if np.isfinite(drawn).any() else float("nan")


def _ranked_auc(y: Floats, p: Floats) -> partial[float]:
    """AUC as a function of weights, sorted once."""
    order = np.argsort(p, kind="stable")
    return partial(_weighted_auc, y[order], order, tie_ends(p[order]))


def _weighted_auc(y: Floats, order: NDArray[np.intp], ends: NDArray[np.intp], w: Floats) -> float:
    return auc_of_groups(y, w[order], ends)
