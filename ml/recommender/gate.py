"""The gate of rankings: whether a challenger may take the champion's place.

Belongs here: the judgement, from recalls of the same customers, in words. Does not belong here: the gate of a
yes-or-no (``ml.promotion``), computing the lists, moving the alias (``ml.registry``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ml.bootstrap import paired_means
from ml.evaluation import Floats
from ml.promotion import Decision
from ml.segments import LEAST_IN_SEGMENT

NO_LOSS = 1e-6
"""A certain loss of recall is one, however small (``ml.promotion``); below this it is rounding."""
LUCK_OF_SEGMENTS = 0.003
"""Recall that must certainly be lost in a segment: where several are looked at one is always unlucky."""
KEPT_SHAPE = 0.8
"""Of the coverage and diversity of lists that a challenger must not lose."""


def decide(
    recalls: Mapping[str, Floats],
    *,
    floors: Sequence[str],
    seed: int,
    champion_unfit: str | None = None,
    groups: Mapping[str, NDArray[np.bool_]] | None = None,
    shapes: Mapping[str, Mapping[str, float]] | None = None,
) -> Decision:
    """Compare rankings of the same customers, such as lists of recommendations.

    Parameters
    ----------
    recalls
        By method, recall of each customer, shape (customers,): ``model`` is the challenger; ``champion`` where there is
        one that can be judged, and the ``floors``.
    floors
        Methods so simple that a model must not be worse than they are in the mean.
    champion_unfit
        Why the champion could not be judged; it then cannot defend its place.
    groups
        By name, which customers belong to a segment, (customers,): in none may the challenger be worse than the
        champion, or than the best floor where there is none, beyond noise.
    shapes
        By method, measures of its lists such as ``coverage`` and ``diversity``, more of which is better: the challenger
        must keep ``KEPT_SHAPE`` of the champion's, or of the first floor's where there is none.
    """
    model = recalls["model"]
    differences = {
        name: paired_means(model, recalls[name], seed=seed) for name in (*floors, "champion") if name in recalls
    }
    spoken = {name: f"recall {difference} against {name.replace('_', ' ')}" for name, difference in differences.items()}
    refusals = [spoken[name] for name in floors if differences[name].value <= 0]
    champion = differences.get("champion")
    if champion and champion.high < -NO_LOSS:
        refusals.append("worse than the champion beyond noise: " + spoken["champion"])
    holder = "champion" if champion else max(floors, key=lambda name: float(recalls[name].mean()))
    refusals += _worse_segments(model, recalls[holder], groups or {}, holder, seed)
    refusals += _worse_shapes(shapes or {}, "champion" if champion else floors[0])
    if refusals:
        return Decision(False, tuple(refusals), differences)
    grounds = [f"the champion cannot serve any more ({champion_unfit})"] if champion_unfit else []
    return Decision(True, (*grounds, *spoken.values()), differences)


def _worse_segments(
    model: Floats, holder: Floats, groups: Mapping[str, NDArray[np.bool_]], name: str, seed: int
) -> list[str]:
    found = []
    for group, inside in groups.items():
        if inside.sum() < LEAST_IN_SEGMENT:
            continue
        difference = paired_means(model[inside], holder[inside], seed=seed)
        if difference.high < -LUCK_OF_SEGMENTS:
            found.append(f"recall of {group} is certainly worse than that of {_said(name)} ({difference})")
    return found


def _worse_shapes(shapes: Mapping[str, Mapping[str, float]], holder: str) -> list[str]:
    """Measures of lists that fell too far."""
    found = []
    for measure, least in shapes.get(holder, {}).items():
        value = shapes["model"][measure]
        if value < KEPT_SHAPE * least:
            found.append(f"{measure} {value:.4f} is less than {KEPT_SHAPE:.0%} of {least:.4f} of {_said(holder)}")
    return found


def _said(name: str) -> str:
    return name.replace("_", " ")
