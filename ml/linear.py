"""Regression on log features: the baseline to beat, and a steady second voice in the blend with trees.

Belongs here: the transformation of features, the fit (of a yes-or-no, of an amount), the coefficients. Does not
belong here: trees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.evaluation import Floats, expit

MARGIN_LIMIT = 15.0
"""Beyond exp(15) times the mean nothing is expected; it only keeps the fit finite."""
AT_ONCE = 8
"""Features whose part of a margin is computed together."""
MAX_ROWS = 50_000
"""A hundred coefficients need no more; rows beyond are left out by customer hash."""


@dataclass(frozen=True)
class Linear:
    """Coefficients over standardised ``sign(x) log(1 + |x|)`` and one indicator of "unknown" per feature.

    All arrays have one entry per feature. A constant feature has scale 1 and coefficient 0.
    """

    center: Floats
    scale: Floats
    coefficient: Floats
    unknown_coefficient: Floats
    average: Floats
    """What each feature adds to the margin of the average row that was learned from."""
    intercept: float

    def add_explained(self, total: Floats, columns: NDArray[np.float32], weight: float = 1.0) -> None:
        """Add ``weight`` times what each feature adds to the margin and, last, the margin.

        ``columns`` are (features, rows), ``total`` has one more. Shapley values: what a feature adds beyond what it
        adds on average (Štrumbelj, Kononenko 2014).
        """
        margin = np.full(columns.shape[1], self.intercept)
        for some, added in self._added(columns):
            for one in added:
                margin += one
            added -= self.average[some, None]
            added *= weight
            total[some] += added
        total[-1] += weight * margin

    def margin(self, X: NDArray[np.float32]) -> Floats:
        """Log-odds of a probability, logarithm of an amount, (rows,).

        Added up feature by feature, so that no thread count changes a bit of it.
        """
        total = np.full(len(X), self.intercept)
        for _, added in self._added(X.T):
            for one in added:
                total += one
        return total

    def _added(self, columns: NDArray[np.float32]) -> Iterator[tuple[slice, Floats]]:
        """What some of the features add, (some, rows): few calls, and little memory at once."""
        for start in range(0, len(columns), AT_ONCE):
            some = slice(start, min(start + AT_ONCE, len(columns)))
            added = log_scale(columns[some])
            added -= self.center[some, None]
            added /= self.scale[some, None]
            added *= self.coefficient[some, None]
            np.copyto(added, self.unknown_coefficient[some, None], where=np.isnan(columns[some]))
            yield some, added

    def to_json(self) -> dict[str, Any]:
        arrays = {name: value.tolist() for name, value in vars(self).items() if name != "intercept"}
        return {**arrays, "intercept": self.intercept}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Linear:
        arrays = {name: np.array(value) for name, value in content.items() if name != "intercept"}
        arrays.setdefault("average", np.zeros(len(arrays["center"])))  # models kept before reasons were exact
        return cls(**arrays, intercept=float(content["intercept"]))


def log_scale(X: NDArray[np.float32]) -> Floats:
    """Money and counts are skewed over decades; their logarithm is nearly straight against log-odds.

    In single precision, which is that of features: a sixth of the time, and seven digits of a logarithm.
    """
    size = np.abs(X)
    size += 1
    return np.copysign(np.log(size, out=size), X).astype(np.float64)


def fit_logistic(X: NDArray[np.float32], y: Floats, hashed: NDArray[np.int64], *, ridge: float = 0.002) -> Linear:
    """Newton's method on the penalised likelihood; the penalty is ``ridge`` per row and squared coefficient."""
    return _fit(X, y, hashed, ridge, _newton)


def fit_tweedie(
    X: NDArray[np.float32], y: Floats, hashed: NDArray[np.int64], *, power: float, ridge: float = 0.03
) -> Linear:
    """The logarithm of an expected amount; variance proportional to mean ** ``power`` (1 Poisson, 2 gamma).

    ``y`` must be scaled to a mean near 1. Source: Jørgensen, "Exponential dispersion models", 1987.
    """
    return _fit(X, y, hashed, ridge, partial(_scoring, power=power))


def _fit(
    X: NDArray[np.float32],
    y: Floats,
    hashed: NDArray[np.int64],
    ridge: float,
    solve: Callable[[Floats, Floats, float], Floats],
) -> Linear:
    if len(y) > MAX_ROWS:
        kept = np.sort(np.argsort(hashed, kind="stable")[:MAX_ROWS])
        X, y = X[kept], y[kept]
    Z = log_scale(X)
    unknown = np.isnan(Z)
    seen = np.maximum((~unknown).sum(axis=0), 1)
    center = np.where(unknown, 0, Z).sum(axis=0) / seen
    spread = np.sqrt(((np.where(unknown, center, Z) - center) ** 2).sum(axis=0) / seen)
    scale = np.where(spread > 1e-9, spread, 1.0)
    Z = np.where(unknown, 0, (Z - center) / scale) * (spread > 1e-9)
    mixed = np.flatnonzero(unknown.any(axis=0) & ~unknown.all(axis=0))
    design = np.column_stack([np.ones(len(y)), Z, unknown[:, mixed]])
    beta = solve(design, y, ridge * len(y))
    count = X.shape[1]
    unknown_coefficient = np.zeros(count)
    unknown_coefficient[mixed] = beta[1 + count :]
    coefficient = beta[1 : 1 + count] * (spread > 1e-9)
    average = unknown_coefficient * unknown.mean(axis=0)  # known values are centered
    return Linear(center, scale, coefficient, unknown_coefficient, average, float(beta[0]))


def _newton(design: Floats, y: Floats, penalty: float) -> Floats:
    beta = np.zeros(design.shape[1])
    weight = np.full(design.shape[1], penalty)
    weight[0] = 1e-6
    for _ in range(30):
        p = expit(design @ beta)
        hessian = design.T @ (design * (p * (1 - p))[:, None]) + np.diag(weight)
        step = np.linalg.solve(hessian, design.T @ (y - p) - weight * beta)
        beta = beta + np.clip(step, -3, 3)
        if np.abs(step).max() < 1e-8:
            break
    return beta


def _scoring(design: Floats, y: Floats, penalty: float, *, power: float) -> Floats:
    """Fisher scoring with a logarithmic link."""
    beta = np.zeros(design.shape[1])
    beta[0] = np.log(max(y.mean(), 1e-12))
    weight = np.full(design.shape[1], penalty)
    weight[0] = 1e-6
    for _ in range(60):
        mean = np.exp(np.clip(design @ beta, -MARGIN_LIMIT, MARGIN_LIMIT))
        hessian = design.T @ (design * (mean ** (2 - power))[:, None]) + np.diag(weight)
        step = np.linalg.solve(hessian, design.T @ ((y - mean) * mean ** (1 - power)) - weight * beta)
        beta = beta + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-8:
            break
    return beta
