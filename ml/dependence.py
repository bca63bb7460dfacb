"""How what a model says depends on the value of a feature: its Shapley values along the feature.

Belongs here: the curve of each leading feature, summed up so that it names no customer. Does not belong here: Shapley
values (``ml.shapley``), drawing (``ml.figures``).

Source: Lundberg et al., "From local explanations to global understanding with explainable AI for trees", Nature Machine
Intelligence 2, 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.evaluation import Floats

FEATURES, POINTS = 6, 20


@dataclass(frozen=True)
class Dependence:
    """One feature: at each of some values, what it adds to the margin of the customers who have about that value."""

    feature: str
    values: Floats
    """Mean value of each equal group, ascending, (points,)."""
    mean: Floats
    low: Floats
    """The tenth of the group to whom it adds least ends here; the other features make the difference."""
    high: Floats
    unknown: float
    """Mean of what it adds where it is not known; NaN where it is known of all."""


def dependences(X: NDArray[np.float32], added: Floats, names: Sequence[str]) -> tuple[Dependence, ...]:
    """Curves of the features that move most, the one that moves most first.

    Parameters
    ----------
    X
        Features of some customers, (rows, features).
    added
        What each feature adds to the margin of each of them, (features, rows).
    """
    moves = np.abs(added).mean(axis=1)
    leading = np.argsort(-moves, kind="stable")[:FEATURES]
    return tuple(_curve(X[:, k].astype(np.float64), added[k], names[k]) for k in leading if moves[k] > 0)


def _curve(values: Floats, added: Floats, feature: str) -> Dependence:
    known = np.isfinite(values)
    order = np.argsort(values[known], kind="stable")
    groups = [group for group in np.array_split(order, POINTS) if len(group)]
    told = added[known]
    quantiles = np.array([np.quantile(told[group], [0.1, 0.9]) for group in groups]).reshape(-1, 2)
    return Dependence(
        feature=feature,
        values=np.array([values[known][group].mean() for group in groups]),
        mean=np.array([told[group].mean() for group in groups]),
        low=quantiles[:, 0],
        high=quantiles[:, 1],
        unknown=float(added[~known].mean()) if not known.all() else float("nan"),
    )
