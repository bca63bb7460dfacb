"""How often a quick way to reasons names what the exact one does.

Belongs here: the comparison, which every training writes down. Does not belong here: either way
(``ml.shapley.saabas``, ``ml.shapley.tables``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.churn.model import ChurnModel
from ml.churn.reasons import Leaders, features_by_theme, leaders, theme_pushes
from ml.evaluation import Floats
from ml.shapley.saabas import along_paths

SAMPLE = 2000
"""Customers that are compared; a share is then known to two percent."""


@dataclass(frozen=True)
class Agreement:
    """Shares; NaN where nobody has a reason."""

    top1: float
    """Of customers: the first reason is the same feature in the same direction."""
    top3: float
    """Of customers: the reasons are the same, in any order."""
    sign_flips: float
    """Of exact reasons: by the quick way the theme moves the score in the other direction."""

    def as_metrics(self) -> dict[str, float]:
        return {
            "reasons_agreement_top1": self.top1,
            "reasons_agreement_top3": self.top3,
            "reasons_sign_flips": self.sign_flips,
        }


def agreement(model: ChurnModel, X: NDArray[np.float32], *, threads: int = 1) -> Agreement:
    """Compare path contributions (Saabas 2014) with exact Shapley values on some customers, (rows, features)."""
    exact, quick = np.empty((2, X.shape[1] + 1, len(X)))
    columns = np.ascontiguousarray(X.T)
    model.explain(exact, columns)
    quick[:] = 0
    trees, logistic, *_ = model.weights
    quick[:-1] = trees * along_paths(model.trees.booster, X, threads)
    model.logistic.add_explained(quick, columns, logistic)
    if model.expectation is not None:
        # What the expectation says of itself is exact by either way.
        known = model.names.index(model.expectation)
        quick[known] += (sum(model.weights) - logistic) * (model.expected(X) - model.usual)
    return compared(exact[:-1], quick[:-1], model.names)


def compared(exact: Floats, quick: Floats, names: tuple[str, ...]) -> Agreement:
    """Of what each feature adds by either way, (features, rows)."""
    published, rough = leaders(exact, names), leaders(quick, names)
    is_reason = published.direction != 0
    if not is_reason.any():
        return Agreement(float("nan"), float("nan"), float("nan"))
    moved = theme_pushes(quick, names)[_themes(published, names), np.arange(exact.shape[1])]
    flipped = np.sign(moved) == -published.direction
    return Agreement(
        top1=float((published.code[0] == rough.code[0]).mean()),
        top3=float((np.sort(published.code, axis=0) == np.sort(rough.code, axis=0)).all(axis=0).mean()),
        sign_flips=float(flipped[is_reason].mean()),
    )


def _themes(found: Leaders, names: tuple[str, ...]) -> NDArray[np.intp]:
    """Which of the themes each leading feature belongs to."""
    theme = np.empty(len(names), np.intp)
    for t, own in enumerate(features_by_theme(names)):
        theme[own] = t
    return theme[found.feature]
