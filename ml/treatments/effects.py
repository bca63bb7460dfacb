"""The effect of each play on a yes-or-no, on the log-odds, from the arms that were drawn.

Belongs here: the contrast of those treated with those left alone, of a yes-or-no. Does not belong here: who is compared
(``contrast``), what is done with it (``labels``), which play is worth its cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.evaluation import Floats, expit
from ml.linear import Linear, fit_logistic
from ml.snapshots import Snapshots
from ml.treatments.contrast import contrast_of, spoken


@dataclass(frozen=True)
class Effects:
    """What was learned from the arms."""

    plays: tuple[str, ...]
    risk: Linear
    """Log-odds of the outcome among those for whom a play was decided, by features."""
    risk_slope: float
    levels: Floats
    """By play, added to the log-odds where it was the first decided."""
    effects: Floats
    """By play, added to the log-odds of those treated."""
    errors: Floats
    """Standard errors of the effects."""
    treated: int
    """Customers."""
    left_alone: int

    @property
    def words(self) -> str:
        """What a training says of them."""
        each = spoken(self.plays, self.effects, self.errors)
        return f"effects on the log-odds: {each}; {self.treated} customers treated, {self.left_alone} left alone"

    def log_odds(self, X: NDArray[np.float32], first: NDArray[np.int16]) -> Floats:
        """Without plays, of customers for whom that play was the first decided, (rows,)."""
        return self.risk_slope * self.risk.margin(X) + self.levels[first]


def fit_effects(rows: Snapshots) -> Effects | str:
    """The effects, or why nothing can be said of them."""
    arms = contrast_of(rows)
    if isinstance(arms, str):
        return arms
    used, y = arms.used, arms.done.happened[:, 0]
    risk = fit_logistic(rows.X[used], y, rows.hashed[used])
    weight = arms.weight * len(np.unique(rows.hashed[used])) / len(used)
    beta, spread = _fit(arms.design(risk.margin(rows.X[used])), y, weight, arms.middle, arms.stiffness)
    effects, errors = arms.effects(beta, spread)
    return Effects(
        plays=arms.done.plays,
        risk=risk,
        risk_slope=float(beta[0]),
        levels=beta[1 : 1 + arms.plays],
        effects=effects,
        errors=errors,
        treated=arms.treated,
        left_alone=arms.left_alone,
    )


def _fit(design: Floats, y: Floats, weight: Floats, middle: Floats, stiffness: Floats) -> tuple[Floats, Floats]:
    """Newton's method on the penalised likelihood: coefficients, and their covariance."""
    beta = middle.copy()
    for _ in range(50):
        p = expit(design @ beta)
        hessian = design.T @ (design * (weight * p * (1 - p))[:, None]) + np.diag(stiffness)
        step = np.linalg.solve(hessian, design.T @ (weight * (y - p)) - stiffness * (beta - middle))
        beta = beta + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-9:
            break
    return beta, np.asarray(np.linalg.inv(hessian), dtype=np.float64)
