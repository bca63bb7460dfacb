"""The arms that were drawn, set side by side: who is compared, what each row stands for, which numbers are looked for.

Belongs here: what effects on any outcome share. Does not belong here: the outcome and its likelihood (``effects`` of a
yes-or-no, ``amounts``).

Rows are those for whom a play was decided within the window: treated at the first decision, or left alone at all of
them. Who was left alone at the first and treated at a later one is no longer untreated and drops out; those who remain
stand for them, weighted by one over the probability of being left alone throughout (Robins, Hernán, Brumback, "Marginal
structural models", Epidemiology 11, 2000). What is expected by features beside it takes out noise, nothing else: the
arm does not depend on it. A play has the common effect and its own deviation, both drawn to nothing, so that few
customers change little and none nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.evaluation import Floats
from ml.snapshots import Snapshots
from ml.treatments.record import NONE, Treatments

FEWEST = 30
"""Customers left alone, and treated, below which nothing is told from them."""
ENOUGH = 5_000
"""Rows of each kind; a handful of numbers needs no more. Rows beyond are left out by customer hash."""
LIKELY_EFFECT, LIKELY_DEVIATION, OPEN = 0.5, 0.5, 10.0
"""Logarithms, one standard deviation: of the common effect, of what a play's own adds, of what is left to the data."""


@dataclass(frozen=True)
class Contrast:
    """Those treated beside those left alone."""

    used: NDArray[np.intp]
    """Their rows, ascending."""
    done: Treatments
    """Of these rows."""
    is_treated: NDArray[np.bool_]
    weight: Floats
    """How many each row stands for; of those left alone with a mean of 1 by first play."""
    treated: int
    """Customers."""
    left_alone: int

    @property
    def plays(self) -> int:
        return len(self.done.plays)

    def design(self, expected: Floats) -> Floats:
        """Logarithm of what is expected by features, level of each play, common effect, deviation of each play."""
        level = np.eye(self.plays)[self.done.first]
        treated = self.is_treated.astype(float)[:, None]
        return np.column_stack([expected, level, treated, level * treated])

    @property
    def stiffness(self) -> Floats:
        """How firmly each number of the design is held to its middle."""
        likely = [OPEN, *[OPEN] * self.plays, LIKELY_EFFECT, *[LIKELY_DEVIATION] * self.plays]
        return 1 / np.square(likely)

    @property
    def middle(self) -> Floats:
        """What each number of the design is drawn to."""
        found = np.zeros(2 + 2 * self.plays)
        found[0] = 1.0
        return found

    def effects(self, beta: Floats, spread: Floats) -> tuple[Floats, Floats]:
        """Effect of each play and its standard error, from the numbers of the design and their covariance."""
        combined = np.column_stack([np.ones(self.plays), np.eye(self.plays)])
        place = slice(1 + self.plays, None)
        return combined @ beta[place], np.sqrt(np.diag(combined @ spread[place, place] @ combined.T))


def contrast_of(rows: Snapshots) -> Contrast | str:
    """Those to compare, or why nothing can be told from them."""
    done = rows.treatments
    if done is None:
        return "no play was decided"
    decided = done.first != NONE
    alone, at_once = decided & (done.treated == NONE), decided & (done.treated == done.first)
    left_alone, treated = (len(np.unique(rows.hashed[some])) for some in (alone, at_once))
    if min(left_alone, treated) < FEWEST:
        return f"{treated} customers treated and {left_alone} left alone, {FEWEST} of each are needed to tell effects"
    used = np.sort(np.concatenate([_some(alone, rows.hashed), _some(at_once, rows.hashed)]))
    own, is_treated = done.rows(used), at_once[used]
    return Contrast(used, own, is_treated, _weights(own, is_treated), treated, left_alone)


def spoken(plays: tuple[str, ...], effects: Floats, errors: Floats) -> str:
    """Effects in words."""
    said = zip(plays, effects, errors, strict=True)
    return ", ".join(f"{play} {effect:+.2f} +- {error:.2f}" for play, effect, error in said)


def _some(used: NDArray[np.bool_], hashed: NDArray[np.int64]) -> NDArray[np.intp]:
    where = np.flatnonzero(used)
    return where[np.argsort(hashed[where], kind="stable")[:ENOUGH]]


def _weights(done: Treatments, is_treated: NDArray[np.bool_]) -> Floats:
    """Those left alone stand for all who would have been."""
    weight = np.ones(len(is_treated))
    for play in np.unique(done.first):
        own = (done.first == play) & ~is_treated
        stands_for = 1 / np.clip(np.nan_to_num(done.propensity[own], nan=1.0), 0.01, 1.0)
        weight[own] = stands_for / stands_for.mean() if own.any() else 1.0
    return weight
