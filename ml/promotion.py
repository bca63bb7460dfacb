"""The gate: whether a challenger may take the champion's place.

Belongs here: the judgement on a yes-or-no, from numbers of one backtest, in words. Does not belong here: the gates of
amounts and of rankings (``ml.value.gate``, ``ml.recommender.gate``), computing the scores (``ml.churn``), moving the
alias (``ml.registry``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ml.bootstrap import Difference, on_told_rows, paired_bootstrap
from ml.evaluation import Floats, calibration_line, level_gap, logit

SLOPE_RANGE = (0.5, 2.0)
"""Beyond this, probabilities are far too extreme or far too timid to act on."""
LEVEL_RANGE = 1.5
"""Log-odds that the probabilities of all may be off, beyond noise: a season moves them, but what is foretold at 20 %
must not come at more than half."""
TOLERANCE = {"auc": 0.003, "log_loss": 0.003}
"""What a fresher model may lose in the mean without being worse: a champion that nobody may replace grows old."""


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
    beyond ``SLOPE_RANGE`` or the level beyond ``LEVEL_RANGE``, where the simple rule alone ranks better beyond noise,
    or where the champion is: the 95 % interval of a paired bootstrap by customer (``ml.bootstrap``) lies on the wrong
    side and the mean loses more than ``TOLERANCE``.
    """
    challenger = probabilities["model"]
    if broken := _unusable(y, challenger):
        return Decision(False, (broken,))
    rule = probabilities.get(baseline)
    # Ranking only: which of the two met the level of one season better is luck.
    ranked = {} if rule is None else {"auc": _against(y, challenger, rule, seed, customers)["auc"]}
    refusals = [*_slope_refusal(y, challenger), *_level_refusal(y, challenger), *_worse(ranked, f"{baseline} alone")]
    champion = probabilities.get("champion")
    differences = {} if champion is None else _against(y, challenger, champion, seed, customers)
    refusals += _worse(differences, "the champion")
    if champion is not None:
        refusals += _worse_among(segments or {}, y, challenger, champion, seed, customers)
    if refusals:
        return Decision(False, tuple(refusals), differences)
    grounds = (_grounds(differences, champion_unfit), *(f"auc {one} against {baseline}" for one in ranked.values()))
    return Decision(True, grounds, differences)


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


def _level_refusal(y: Floats, p: Floats) -> list[str]:
    gap, error = level_gap(logit(p), float(y.mean())), (len(y) * float(y.mean() * (1 - y.mean()))) ** -0.5
    if abs(gap) <= LEVEL_RANGE + 2 * error:
        return []
    return [f"it foretells {p.mean():.1%} in the mean, and {y.mean():.1%} came"]


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
