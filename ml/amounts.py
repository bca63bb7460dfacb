"""How good predictions of amounts are: ranking, level, error, coverage.

Belongs here: metrics of an outcome in money or counts over plain arrays. Does not belong here: metrics of a
yes-or-no (``ml.evaluation``), models, plots, and the judgement whether a model may serve (``ml.value.gate``).

Every metric takes ``y`` (what happened, not negative, shape n) and ``p`` (what was expected, shape n).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from ml.evaluation import Floats, groups, tie_ends


@dataclass(frozen=True)
class Metrics:
    """What a run reports of one model on one set of customers."""

    customers: int
    mean_outcome: float
    mean_prediction: float
    gini: float
    spearman: float
    total_bias: float
    """Sum of predictions over sum of outcomes, less 1."""
    mae: float
    decile_mape: float
    """Mean over ten equal groups by prediction of |predicted - happened| / happened."""

    def as_dict(self) -> dict[str, float]:
        return {name: float(value) for name, value in asdict(self).items()}


def evaluate(y: Floats, p: Floats) -> Metrics:
    """All metrics; what cannot be told (nobody, nothing happened) is NaN."""
    some = len(y) > 0
    return Metrics(
        customers=len(y),
        mean_outcome=float(y.mean()) if some else float("nan"),
        mean_prediction=float(p.mean()) if some else float("nan"),
        gini=gini(y, p),
        spearman=spearman(y, p),
        total_bias=total_bias(y, p),
        mae=float(np.abs(y - p).mean()) if some else float("nan"),
        decile_mape=decile_mape(y, p),
    )


def gini(y: Floats, p: Floats, weights: Floats | None = None) -> float:
    """Normalised Gini: the area between the gain curve and the diagonal, over that of the perfect ranking.

    The gain curve is the share of the outcome found in the share of customers with the highest predictions; ties are
    passed in one step. 1 is perfect, 0 is chance. Source: Frees, Meyers, Cummings, "Summarizing insurance scores
    using a Gini index", 2011.
    """
    w = np.ones(len(y)) if weights is None else weights
    areas = []
    for rank in (p, y):
        order = np.argsort(-rank, kind="stable")
        areas.append(gain_area(y[order], w[order], tie_ends(rank[order])))
    return areas[0] / areas[1] if areas[1] > 0 else float("nan")


def gain_area(y: Floats, w: Floats, ends: NDArray[np.intp]) -> float:
    """Area between gain curve and diagonal, of rows sorted best first with the ends of their ties."""
    share, found = gain_curve(y, w, ends)
    return float((np.diff(share) * (found[1:] + found[:-1])).sum() / 2 - 0.5) if len(ends) else float("nan")


def gain_curve(y: Floats, w: Floats, ends: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Share of customers passed and share of the outcome found, both from 0 to 1."""
    share, found = (np.concatenate([np.zeros(1), np.cumsum(part)[ends]]) for part in (w, w * y))
    return share / max(share[-1], 1e-12), found / max(found[-1], 1e-12)


def spearman(y: Floats, p: Floats) -> float:
    """Correlation of ranks, ties at their mean rank."""
    if len(y) == 0 or np.ptp(y) == 0 or np.ptp(p) == 0:
        return float("nan")
    return float(np.corrcoef(_ranks(y), _ranks(p))[0, 1])


def total_bias(y: Floats, p: Floats) -> float:
    return float(p.sum() / y.sum() - 1) if y.sum() > 0 else float("nan")


def rmse(y: Floats, p: Floats) -> float:
    return float(np.sqrt(((y - p) ** 2).mean())) if len(y) else float("nan")


def poisson_deviance(y: Floats, p: Floats) -> float:
    """Mean deviance of counts from expectations, which must be positive; 0 is perfect.

    It asks for the mean of each customer, unlike the absolute error, which rewards the median, mostly 0.
    Source: McCullagh, Nelder, "Generalized linear models", 1989.
    """
    if len(y) == 0:
        return float("nan")
    surprise = np.where(y > 0, y * np.log(np.maximum(y, 1e-300) / p), 0.0)
    return float(2 * (surprise - (y - p)).mean())


def total_bias_error(y: Floats, p: Floats) -> float:
    """Standard error of the total bias by the draw of customers: that of a ratio of sums, linearised."""
    if y.sum() <= 0:
        return float("nan")
    return float(np.sqrt(((p - p.sum() / y.sum() * y) ** 2).sum()) / y.sum())


def decile_mape(y: Floats, p: Floats, count: int = 10) -> float:
    happened, expected, _ = deciles(y, p, count)
    told = happened > 0
    return float((np.abs(expected - happened)[told] / happened[told]).mean()) if told.any() else float("nan")


def deciles(y: Floats, p: Floats, count: int = 10) -> tuple[Floats, Floats, Floats]:
    """Mean outcome, mean prediction and size of equal groups by prediction, lowest first; empty groups are left out."""
    group = groups(p, count)
    size = np.bincount(group, minlength=count).astype(float)
    kept = size > 0
    happened, expected = (np.bincount(group, part, minlength=count)[kept] / size[kept] for part in (y, p))
    return happened, expected, size[kept]


def coverage(y: Floats, low: Floats, high: Floats) -> float:
    """Share of outcomes within the interval, ends included."""
    return float(((y >= low) & (y <= high)).mean()) if len(y) else float("nan")


def interval_loss(y: Floats, low: Floats, high: Floats, *, covered: float) -> Floats:
    """Of each outcome, (n,): how wide its interval is, and how far it lies outside, times 2 / (1 - ``covered``).

    The mean is the interval score, least for the true quantiles: narrow alone does not pay, nor does wide. Source:
    Gneiting, Raftery, "Strictly proper scoring rules, prediction, and estimation", 2007.
    """
    return (high - low) + 2 / (1 - covered) * (np.maximum(low - y, 0) + np.maximum(y - high, 0))


def _ranks(values: Floats) -> Floats:
    ordered = np.sort(values)
    return (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / 2.0
