"""The effect of each play on a yes-or-no, on the log-odds, from the arms that were drawn.

Belongs here: the contrast of those treated with those left alone. Does not belong here: what is done with it
(``labels``), which play is worth its cost.

Rows are those for whom a play was decided within the window: treated at the first decision, or left alone at all of
them. Who was left alone at the first and treated at a later one is no longer untreated and drops out; those who remain
stand for them, weighted by one over the probability of being left alone throughout (Robins, Hernán, Brumback, "Marginal
structural models", Epidemiology 11, 2000). The risk by features beside it takes out noise, nothing else: the arm does
not depend on it. A play has the common effect and its own deviation, both drawn to nothing, so that few customers
change little and none nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.evaluation import Floats, expit
from ml.linear import Linear, fit_logistic
from ml.snapshots import Snapshots
from ml.treatments.record import NONE, Treatments

FEWEST = 30
"""Customers left alone, and treated, below which nothing is told from them."""
ENOUGH = 5_000
"""Rows of each kind; a handful of numbers needs no more. Rows beyond are left out by customer hash."""
LIKELY_EFFECT, LIKELY_DEVIATION, OPEN = 0.5, 0.5, 10.0
"""Log-odds, one standard deviation: of the common effect, of what a play's own adds, of what is left to the data."""


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
        said = zip(self.plays, self.effects, self.errors, strict=True)
        each = ", ".join(f"{play} {effect:+.2f} +- {error:.2f}" for play, effect, error in said)
        return f"effects on the log-odds: {each}; {self.treated} customers treated, {self.left_alone} left alone"

    def log_odds(self, X: NDArray[np.float32], first: NDArray[np.int16]) -> Floats:
        """Without plays, of customers for whom that play was the first decided, (rows,)."""
        return self.risk_slope * self.risk.margin(X) + self.levels[first]


def fit_effects(rows: Snapshots) -> Effects | str:
    """The effects, or why nothing can be said of them."""
    done = rows.treatments
    if done is None:
        return "no play was decided"
    decided = done.first != NONE
    alone, at_once = decided & (done.treated == NONE), decided & (done.treated == done.first)
    left_alone, treated = (len(np.unique(rows.hashed[some])) for some in (alone, at_once))
    if min(left_alone, treated) < FEWEST:
        return f"{treated} customers treated and {left_alone} left alone, {FEWEST} of each are needed to tell effects"
    used = np.sort(np.concatenate([_some(alone, rows.hashed), _some(at_once, rows.hashed)]))
    own, is_treated, y = done.rows(used), at_once[used], done.happened[used, 0]
    risk = fit_logistic(rows.X[used], y, rows.hashed[used])
    weight = _weights(own, is_treated) * len(np.unique(rows.hashed[used])) / len(used)
    design, stiffness = _design(risk.margin(rows.X[used]), own.first, is_treated, len(own.plays))
    beta, spread = _fit(design, y, weight, stiffness)
    plays = len(own.plays)
    combined = np.column_stack([np.ones(plays), np.eye(plays)])
    place = slice(1 + plays, None)
    return Effects(
        plays=own.plays,
        risk=risk,
        risk_slope=float(beta[0]),
        levels=beta[1 : 1 + plays],
        effects=combined @ beta[place],
        errors=np.sqrt(np.diag(combined @ spread[place, place] @ combined.T)),
        treated=treated,
        left_alone=left_alone,
    )


def _some(used: NDArray[np.bool_], hashed: NDArray[np.int64]) -> NDArray[np.intp]:
    where = np.flatnonzero(used)
    return where[np.argsort(hashed[where], kind="stable")[:ENOUGH]]


def _weights(done: Treatments, is_treated: NDArray[np.bool_]) -> Floats:
    """Those left alone stand for all who would have been, by first play with a mean of 1."""
    weight = np.ones(len(is_treated))
    for play in np.unique(done.first):
        own = (done.first == play) & ~is_treated
        stands_for = 1 / np.clip(np.nan_to_num(done.propensity[own], nan=1.0), 0.01, 1.0)
        weight[own] = stands_for / stands_for.mean() if own.any() else 1.0
    return weight


def _design(risk: Floats, first: NDArray[np.int16], is_treated: NDArray[np.bool_], plays: int) -> tuple[Floats, Floats]:
    """Risk, level of each play, common effect, deviation of each play; and the stiffness of each."""
    level = np.eye(plays)[first]
    treated = is_treated.astype(float)[:, None]
    design = np.column_stack([risk, level, treated, level * treated])
    likely = [OPEN, *[OPEN] * plays, LIKELY_EFFECT, *[LIKELY_DEVIATION] * plays]
    return design, 1 / np.square(likely)


def _fit(design: Floats, y: Floats, weight: Floats, stiffness: Floats) -> tuple[Floats, Floats]:
    """Newton's method on the penalised likelihood: coefficients, and their covariance."""
    beta = np.zeros(design.shape[1])
    beta[0] = 1.0
    middle = beta.copy()
    for _ in range(50):
        p = expit(design @ beta)
        hessian = design.T @ (design * (weight * p * (1 - p))[:, None]) + np.diag(stiffness)
        step = np.linalg.solve(hessian, design.T @ (weight * (y - p)) - stiffness * (beta - middle))
        beta = beta + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-9:
            break
    return beta, np.asarray(np.linalg.inv(hessian), dtype=np.float64)
