"""How good probabilities are: ranking, calibration, gain, and how much of it is noise.

Belongs here: metrics of a binary outcome over plain arrays. Does not belong here: models, plots, and the
judgement whether a model may serve (``ml.promotion``).

Every metric takes ``y`` (0/1, shape n) and ``p`` (probability, shape n), and optional ``weights`` (shape n, the
number of times each row was drawn in a bootstrap).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CLIP = 1e-6
"""A probability of exactly 0 or 1 would make one surprise infinitely costly."""


@dataclass(frozen=True)
class Metrics:
    """What a run reports of one model on one set of customers."""

    customers: int
    churn_rate: float
    mean_probability: float
    auc: float
    log_loss: float
    brier: float
    calibration_slope: float
    calibration_error: float
    """Mean gap between probability and outcome over ten equal groups (ECE)."""
    calibration_error_noise: float
    """95 % quantile of the same for a perfectly calibrated model with these probabilities."""
    lift_top_decile: float
    """Churn rate in the tenth with the highest probability, over the rate of all."""

    def as_dict(self) -> dict[str, float]:
        return {name: float(value) for name, value in asdict(self).items()}


def evaluate(y: Floats, p: Floats, *, seed: int = 0) -> Metrics:
    """All metrics; those that need two classes are NaN with one."""
    return Metrics(
        customers=len(y),
        churn_rate=float(np.mean(y)) if len(y) else float("nan"),
        mean_probability=float(np.mean(p)) if len(p) else float("nan"),
        auc=auc(y, p),
        log_loss=log_loss(y, p),
        brier=float(np.mean((p - y) ** 2)) if len(y) else float("nan"),
        calibration_slope=calibration_line(y, p)[0],
        calibration_error=calibration_error(y, p),
        calibration_error_noise=calibration_error_noise(p, seed=seed),
        lift_top_decile=lift(y, p, 0.1),
    )


def auc(y: Floats, p: Floats, weights: Floats | None = None) -> float:
    """Area under the ROC curve: P(a churner scores above a stayer), ties count half (Mann, Whitney 1947)."""
    w = np.ones(len(y)) if weights is None else weights
    order = np.argsort(p, kind="stable")
    return auc_of_groups(y[order], w[order], tie_ends(p[order]))


def auc_error(y: Floats, p: Floats) -> float:
    """Standard error of the AUC by the draw of customers (DeLong, DeLong, Clarke-Pearson 1988); NaN with one class.

    An outcome that is a share, as without plays, counts in part for either side, as in ``auc``.
    """
    churned, stayed = float(y.sum()), float((1 - y).sum())
    if min(churned, stayed) < 2:
        return float("nan")
    _, group = np.unique(p, return_inverse=True)
    positives, negatives = np.bincount(group, y), np.bincount(group, 1 - y)
    below = (np.cumsum(negatives) - negatives / 2) / stayed
    above = 1 - (np.cumsum(positives) - positives / 2) / churned
    area = float((positives * below).sum()) / churned
    moved = y * (below[group] - area) / (churned * (churned - 1)) ** 0.5
    moved += (1 - y) * (above[group] - area) / (stayed * (stayed - 1)) ** 0.5
    return float((moved**2).sum()) ** 0.5


def tie_ends(sorted_p: Floats) -> NDArray[np.intp]:
    """Position of the last row of each run of equal probabilities."""
    return np.flatnonzero(np.append(sorted_p[1:] != sorted_p[:-1], True)) if len(sorted_p) else np.array([], np.intp)


def auc_of_groups(y: Floats, w: Floats, ends: NDArray[np.intp]) -> float:
    """AUC of rows that are sorted by probability, with the ends of their ties."""
    positives = np.diff(np.cumsum(w * y)[ends], prepend=0.0)
    negatives = np.diff(np.cumsum(w * (1 - y))[ends], prepend=0.0)
    pairs = positives.sum() * negatives.sum()
    below = np.cumsum(negatives) - negatives
    return float((positives * (below + negatives / 2)).sum() / pairs) if pairs > 0 else float("nan")


def log_loss(y: Floats, p: Floats, weights: Floats | None = None) -> float:
    return float(np.average(row_log_loss(y, p), weights=weights)) if len(y) else float("nan")


def row_log_loss(y: Floats, p: Floats) -> Floats:
    """Log-loss of each row, nats."""
    q = np.clip(p, CLIP, 1 - CLIP)
    return -(y * np.log(q) + (1 - y) * np.log1p(-q))


def logit(p: Floats) -> Floats:
    q = np.clip(p, CLIP, 1 - CLIP)
    return np.log(q) - np.log1p(-q)


def expit(z: Floats) -> Floats:
    return 0.5 * (1 + np.tanh(0.5 * z))


def calibration_line(y: Floats, p: Floats) -> tuple[float, float, float]:
    """Slope, intercept and standard error of the slope of ``logit P(y) = slope * logit(p) + intercept`` (Cox 1958).

    Slope 1 and intercept 0 are perfect; a slope below 1 says that the probabilities are too extreme. NaN where it
    cannot be estimated (one class, one probability).
    """
    z = logit(p)
    if len(y) == 0 or y.min() == y.max() or np.ptp(z) < 1e-9:
        return float("nan"), float("nan"), float("nan")
    X, beta = np.column_stack([z, np.ones_like(z)]), np.array([1.0, 0.0])
    for _ in range(25):
        q = expit(X @ beta)
        hessian = X.T @ (X * (q * (1 - q))[:, None]) + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, X.T @ (y - q))
        beta = beta + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-9:
            break
    return float(beta[0]), float(beta[1]), float(np.sqrt(np.linalg.inv(hessian)[0, 0]))


def level_gap(margin: Floats, rate: float) -> float:
    """What must be added to the log-odds so that the mean probability is ``rate``."""
    low, high = -6.0, 6.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if expit(margin + middle).mean() < rate else (low, middle)
    return (low + high) / 2


def groups(p: Floats, count: int = 10) -> NDArray[np.intp]:
    """Group of each row, 0 the lowest probabilities: equal in size, whole ties together."""
    order = np.argsort(p, kind="stable")
    first_of_tie = np.searchsorted(p[order], p, side="left")
    return np.asarray(first_of_tie * count // max(len(p), 1), dtype=np.intp)


def reliability(y: Floats, p: Floats, count: int = 10) -> tuple[Floats, Floats, Floats]:
    """Mean probability, rate of the outcome and size of each group that is not empty."""
    group = groups(p, count)
    size = np.bincount(group, minlength=count).astype(float)
    kept = size > 0
    mean = np.bincount(group, p, minlength=count)[kept] / size[kept]
    rate = np.bincount(group, y, minlength=count)[kept] / size[kept]
    return mean, rate, size[kept]


def calibration_error(y: Floats, p: Floats, count: int = 10) -> float:
    if len(y) == 0 or not np.isfinite(p).all():
        return float("nan")
    mean, rate, size = reliability(y, p, count)
    return float(np.average(np.abs(mean - rate), weights=size))


def calibration_error_noise(p: Floats, *, seed: int = 0, draws: int = 200, quantile: float = 0.95) -> float:
    """What a perfectly calibrated model with these probabilities would show by chance."""
    if len(p) == 0 or not np.isfinite(p).all():
        return float("nan")
    rng = np.random.default_rng(seed)
    group = groups(p)
    expected = np.bincount(group, p)
    drawn = (np.abs(np.bincount(group, rng.random(len(p)) < p) - expected).sum() / len(p) for _ in range(draws))
    return float(np.quantile(np.fromiter(drawn, float), quantile))


def lift(y: Floats, p: Floats, share: float) -> float:
    """Rate of the outcome in the ``share`` of rows with the highest probability, over the rate of all."""
    top = max(1, round(share * len(y)))
    if len(y) == 0 or y.mean() == 0:
        return float("nan")
    return float(y[np.argsort(-p, kind="stable")[:top]].mean() / y.mean())
