"""Integrals as sums of positive terms, in place of hypergeometric functions.

Belongs here: nodes and weights. Does not belong here: what is integrated (the models).

The textbook forms subtract values of 2F1 that may agree in all digits (Pareto/NBD, a purchase on the last day), or
divide by zero at a harmless parameter (BG/NBD, a = 1; Pareto/NBD, s = 1). The integrals behind them are smooth and
positive, and a fixed number of nodes gives them to 1e-8 or better at parameters that shops have.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
from scipy.linalg import eigh_tridiagonal

from ml.evaluation import Floats

DECAY_NODES, BETA_NODES = 20, 64


def decay_nodes(start: Floats, end: Floats, rate: Floats) -> Iterator[tuple[Floats, Floats]]:
    """Points and widths for an integrand that falls by ``rate`` at first, then like a power; (rows,) each.

    Gauss-Legendre in ``log(1 + rate * (y - start))``, where such an integrand is smooth however long the way.
    """
    whole = np.log1p(rate * (end - start))
    for node, weight in zip(*_legendre(DECAY_NODES), strict=True):
        ahead = whole * node
        yield start + np.expm1(ahead) / rate, weight * whole * np.exp(ahead) / rate


@cache
def _legendre(count: int) -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1) / 2, weights / 2


def beta_nodes(a: float, b: float, count: int = BETA_NODES) -> tuple[Floats, Floats]:
    """Points and weights of a mean over Beta(a, b): Gauss-Jacobi on 0 to 1, from its recurrence.

    Source: Golub, Welsch, "Calculation of Gauss quadrature rules", 1969.
    """
    n = np.arange(1.0, count)
    total, turn = a + b - 2, a - b
    whole = 2 * n + total
    middle = np.concatenate([[turn / (total + 2)], turn * total / (whole * (whole + 2))])
    side = 4 * n * (n + b - 1) * (n + a - 1) / (whole**2 * (whole + 1))
    side[1:] *= (n[1:] + total) / (whole[1:] - 1)
    points, vectors = eigh_tridiagonal(middle, np.sqrt(side))
    return np.clip((1 + points) / 2, 1e-12, 1.0), vectors[0] ** 2
