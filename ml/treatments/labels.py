"""Labels as they would be without plays.

Belongs here: the labels. Does not belong here: effects (``effects``).

Of a treated customer who stayed it is not known whether the play was why. With p the risk if treated and q that
without, both for a customer of these features, the share (q - p) / (1 - p) of those who stayed stayed because of it:
the label becomes that share in place of 0. Its mean over the treated is q, so what learns from it learns q. Where a
play does harm, q / p of those who left would have left anyway, and the label becomes that in place of 1.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ml.evaluation import expit
from ml.snapshots import Snapshots
from ml.treatments.effects import Effects, fit_effects
from ml.treatments.record import NONE

AT_ONCE = 50_000
"""Treated rows whose features are copied together."""
TINY = 1e-12
"""Instead of nothing, where it is certain who stays or leaves."""


def untreated(rows: Snapshots) -> tuple[Snapshots, Effects | str]:
    """The same rows with the first target, a yes-or-no, as it would be without plays, and the effects that say so.

    Where nothing can be said of the effects the labels are as it happened, and the word is why. Only what these rows
    themselves tell is used, whatever their labels were made into before.
    """
    if rows.treatments is None:
        return rows, "no play was decided"
    seen = replace(rows, Y=rows.treatments.happened)
    effects = fit_effects(seen)
    return (seen if isinstance(effects, str) else corrected(seen, effects)), effects


def corrected(rows: Snapshots, effects: Effects) -> Snapshots:
    """Labels of the treated set to what is to be expected of them without plays."""
    done = rows.treatments
    if done is None:
        return rows
    where = np.flatnonzero(done.treated != NONE)
    blocks = np.array_split(where, 1 + len(where) // AT_ONCE)
    without = np.concatenate([effects.log_odds(rows.X[some], done.first[some]) for some in blocks])
    q, p = expit(without), expit(without + effects.effects[done.treated[where]])
    saved, harmed = np.clip((q - p) / np.maximum(1 - p, TINY), 0, 1), np.clip(q / np.maximum(p, TINY), 0, 1)
    Y = done.happened.copy()
    Y[where, 0] = np.where(Y[where, 0] > 0, harmed, saved)
    return replace(rows, Y=Y)
