"""The gate: whether a challenger may take the champion's place.

Belongs here: the judgement, from numbers of one backtest, in words. Does not belong here: computing the scores
(``ml.churn``) and moving the alias (``ml.registry``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ml.bootstrap import Difference, on_told_rows, paired_bootstrap, paired_means
from ml.evaluation import Floats, calibration_line
from ml.segments import LEAST_IN_SEGMENT

SLOPE_RANGE = (0.5, 2.0)
"""Beyond this, probabilities are far too extreme or far too timid to act on."""
TOLERANCE = {"auc": 0.003, "log_loss": 0.003, "recall": 0.003}
"""What a fresher model may lose in the mean without being worse: a champion that nobody may replace grows old."""

KEPT_SHAPE = 0.8
"""Of the coverage and diversity of lists that a challenger must not lose."""


@dataclass(frozen=True)
class Decision:
    """Whether to promote, why, and the numbers behind it."""

    is_promoted: bool
    reasons: tuple[str, ...]
    """Sentences: every ground for refusal, or what speaks for the challenger."""
    differences: dict[str, Difference] = field(default_factory=dict)
    """Challenger minus champion in ``auc`` and ``log_loss``; empty without a champion."""

    @property
    def words(self) -> str:
        return ("promoted: " if self.is_promoted else "refused: ") + "; ".join(self.reasons)


def decide(
    y: Floats,
    probabilities: Mapping[str, Floats],
    *,
    seed: int,
    champion_unfit: str | None = None,
    baseline: str = "recency",
    customers: NDArray[np.int64] | None = None,
    segments: Mapping[str, NDArray[np.bool_]] | None = None,
) -> Decision:
    """Compare models on the same rows of one backtest.

    Parameters
    ----------
    y
        What happened, 0/1, shape (rows,).
    probabilities
        By model, shape (rows,): ``model`` is the challenger; ``champion`` and the baseline where there are any, NaN in
        rows of which they say nothing.
    champion_unfit
        Why the champion could not be scored on these features; it then cannot defend its place.
    baseline
        Name of the simple rule among the models, which must not rank better.
    customers
        Whose row each is, where a backtest has several dates.
    segments
        By name, which rows belong to it, (rows,): in none may the challenger be worse than the champion beyond noise.

    Notes
    -----
    Refused where a probability is no number, where there is one class, where the calibration slope is certainly
    beyond ``SLOPE_RANGE``, where the simple rule alone ranks better beyond noise, or where the champion is: the 95 %
    interval of a paired bootstrap by customer (``ml.bootstrap``) lies on the wrong side and the mean loses more
    than ``TOLERANCE``.
    """
    challenger = probabilities["model"]
    if broken := _unusable(y, challenger):
        return Decision(False, (broken,))
    refusals = [
        *_slope_refusal(y, challenger),
        *_ranks_worse_than_rule(y, challenger, probabilities, baseline, seed, customers),
    ]
    champion = probabilities.get("champion")
    differences = {} if champion is None else _against(y, challenger, champion, seed, customers)
    refusals += _worse(differences, "the champion")
    if champion is not None:
        refusals += _worse_among(segments or {}, y, challenger, champion, seed, customers)
    if refusals:
        return Decision(False, tuple(refusals), differences)
    return Decision(True, (_grounds(differences, champion_unfit),), differences)


def decide_ranking(
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
    if champion and champion.high < 0 and champion.value < -TOLERANCE["recall"]:
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
        if difference.high < -TOLERANCE["recall"]:  # segments are many, and one of them is always unlucky
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


def _unusable(y: Floats, p: Floats) -> str | None:
    if not np.isfinite(p).all():
        return f"{int((~np.isfinite(p)).sum())} of {len(p)} probabilities are not numbers"
    if len(y) == 0 or y.min() == y.max():
        return "the backtest has one class only, so nothing can be compared"
    return None


def _slope_refusal(y: Floats, p: Floats) -> list[str]:
    slope, _, error = calibration_line(y, p)
    low, high = SLOPE_RANGE
    if np.isfinite(slope) and slope + 2 * error >= low and slope - 2 * error <= high:
        return []
    return [f"calibration slope {slope:.2f} +- {error:.2f} lies beyond {low} to {high}"]


def _ranks_worse_than_rule(
    y: Floats,
    p: Floats,
    probabilities: Mapping[str, Floats],
    baseline: str,
    seed: int,
    customers: NDArray[np.int64] | None,
) -> list[str]:
    """Ranking only: which of the two met the level of one season better is luck."""
    if baseline not in probabilities:
        return []
    return _worse({"auc": _against(y, p, probabilities[baseline], seed, customers)["auc"]}, f"{baseline} alone")


def _against(
    y: Floats, p: Floats, other: Floats, seed: int, customers: NDArray[np.int64] | None
) -> dict[str, Difference]:
    return on_told_rows(paired_bootstrap, y, p, other, seed=seed, customers=customers)


def _worse_among(
    segments: Mapping[str, NDArray[np.bool_]],
    y: Floats,
    p: Floats,
    champion: Floats,
    seed: int,
    customers: NDArray[np.int64] | None,
) -> list[str]:
    found = []
    for name, inside in segments.items():
        if np.isfinite(champion[inside]).any():
            within = on_told_rows(paired_bootstrap, y, p, champion, seed=seed, customers=customers, among=inside)
            found += _worse(within, f"the champion among {name}", is_certain=True)
    return found


def _worse(differences: Mapping[str, Difference], than: str, *, is_certain: bool = False) -> list[str]:
    """Metrics that got worse beyond noise; more is better for ``auc``, less for ``log_loss``.

    Where several segments are looked at one is always unlucky: then it must be certain that more than ``TOLERANCE`` is
    lost (``is_certain``).
    """
    found = []
    for name, difference in differences.items():
        sign, limit = 1 if name == "auc" else -1, TOLERANCE[name]
        best = max(sign * difference.low, sign * difference.high)
        if best < (-limit if is_certain else 0) and sign * difference.value < -limit:
            found.append(f"{name} is worse than that of {than} beyond noise ({difference})")
    return found


def _grounds(differences: Mapping[str, Difference], champion_unfit: str | None) -> str:
    if champion_unfit:
        return f"the champion cannot be scored any more ({champion_unfit})"
    if not differences:
        return "there is no champion yet"
    return "not worse than the champion (" + ", ".join(f"{name} {value}" for name, value in differences.items()) + ")"
