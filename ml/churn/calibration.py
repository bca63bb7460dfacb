"""From the log-odds of a model's parts to a probability that can be believed.

Belongs here: how much each part counts, and the level of the date. Does not belong here: what the season does to it
(``ml.churn.hindsight``), metrics (``ml.evaluation``).

A model trained on a year of snapshots knows the average season, not the one to come, and the level matters more than
the learner. Where churn is told from orders, the level is that of the seasonal model of repeat purchase
(``ml.btyd.seasonal``), which needs no outcome to be known: the mean of what is predicted for all customers of an as-of
is made equal to the mean of what that model expects of them, moved by what it has been off by so far, at such a season
and at any. Elsewhere what was missed at the same time last year is the best hint of what will be missed now; half of it
is believed, because one season is one draw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from ml.evaluation import Floats, expit
from ml.seasons import near_last_year

BELIEF = 0.5
SHARE_STIFFNESS, SUM_STIFFNESS = 0.02, 0.2
"""Per row: about half of how the parts share the weight, and of what they weigh together, is taken from the data.
Outcomes of one date stand and fall together, so rows are worth less than they are many."""


@dataclass(frozen=True)
class Held:
    """Rows of one date that no part has learned from: log-odds by part (rows, parts), and what happened (rows,)."""

    margins: Floats
    y: Floats


@dataclass(frozen=True)
class Level:
    """What makes a probability of the weighted log-odds of all customers of a date."""

    shift: float = 0.0
    steepness: float = 1.0

    def probability(self, margin: Floats) -> Floats:
        """Calibrated probability, (rows,)."""
        return expit(self.steepness * margin + self.shift)


def fit_weights(held: Sequence[Held], prior: Floats) -> Floats:
    """How much the log-odds of each part count, (parts,): none below 0, drawn to ``prior``.

    Each date has a level of its own, so that a season none of the parts knows is not taken for their fault. The sum of
    the weights is the slope of Platt scaling (1999): above 1 where the parts together are too timid.
    Source: Wolpert, "Stacked generalization", 1992; with weights that are not negative: Breiman 1996.
    """
    free, stiffness = np.ones(len(prior), dtype=bool), SHARE_STIFFNESS * np.eye(len(prior)) + SUM_STIFFNESS
    while True:
        weights = stacked(held, prior, stiffness, free)
        if (weights >= 0).all():
            return weights
        free &= weights >= 0


def stacked(held: Sequence[Held], prior: Floats, stiffness: Floats, free: NDArray[np.bool_] | None = None) -> Floats:
    """The most likely coefficients of the parts, each date at a level of its own, (parts,).

    Parameters
    ----------
    prior, stiffness
        What they are drawn to, and per row how much, (parts,) and (parts, parts).
    free
        Which of them are looked for, (parts,); the others are 0.
    """
    parts, dates = len(prior), len(held)
    free = np.ones(parts, dtype=bool) if free is None else free
    stiffness = sum(len(one.y) for one in held) * stiffness
    weights, levels = np.where(free, prior, 0.0), np.zeros(dates)
    for _ in range(40):
        slope = np.append(stiffness @ (weights - prior), np.zeros(dates))
        curve = np.diag(np.full(parts + dates, 1e-6))
        curve[:parts, :parts] += stiffness
        for k, one in enumerate(held):
            p = expit(one.margins @ weights + levels[k])
            design = np.zeros((len(one.y), parts + dates))
            design[:, :parts], design[:, parts + k] = one.margins, 1.0
            slope += design.T @ (p - one.y)
            curve += design.T @ (design * (p * (1 - p))[:, None])
        kept = np.append(free, np.ones(dates, dtype=bool))
        step = np.zeros(parts + dates)
        step[kept] = np.linalg.solve(curve[np.ix_(kept, kept)], slope[kept])
        weights, levels = weights - np.clip(step[:parts], -1, 1), levels - np.clip(step[parts:], -1, 1)
        if np.abs(step).max() < 1e-9:
            break
    return weights


def season_shift(gaps: Mapping[date, float], as_of: date) -> float:
    """Half of the level gap of the snapshots nearest to the same day last year; 0 where there is none."""
    weights = near_last_year(gaps, as_of)
    if not weights:
        return 0.0
    return BELIEF * sum(gaps[day] * weight for day, weight in weights.items()) / sum(weights.values())
