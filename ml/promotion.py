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

FALLBACK = "fallback"
"""Name of what would serve without any model, among those that are compared."""
SLOPE_RANGE = (2 / 3, 3 / 2)
"""Log-odds half again too far, or too near: of those foretold at 90 %, 81 % or 96 % come. Healthy models stay well
within: 1.07 over nine dates of Online Retail II, 1.13 without hindsight (docs/models.md)."""
LEVEL_RANGE = 1.0
"""Log-odds that the probabilities of all may be off, beyond noise: of those foretold at half, 27 to 73 % come. That
much a season may move which no year has shown yet; what a level costs less far off is told by the log-loss."""
NO_LOSS = {"auc": 1e-6, "log_loss": 1e-6}
"""A certain loss is one, however small: else each of many challengers loses it anew. Below this it is rounding."""
LUCK_OF_SEASON = {"auc": 1e-6, "log_loss": 0.01}
"""What a level costs that the season moved by .3 log-odds (at most .3 ** 2 / 8), twice what those of Online Retail II
are off by date by date without hindsight: the dates of a backtest share their season, and drawing customers shows
nothing of it. Ranking knows no such luck."""
LUCK_OF_SEGMENTS = {"auc": 0.003, "log_loss": 0.003}
"""Where several segments are looked at one is always unlucky."""


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
        By model, shape (rows,): ``model`` is the challenger; ``champion``, ``fallback`` and the baseline where there
        are any, NaN in rows of which they say nothing.
    champion_unfit
        Why the champion could not be scored on these features; it then cannot defend its place.
    baseline
        Name of the simple rule among the models, which must not be better.
    customers
        Whose row each is, where a backtest has several dates.
    segments
        By name, which rows belong to it, (rows,): in none may the challenger be worse than the champion beyond noise.

    Notes
    -----
    Refused where a probability is no number, where there is one class, where the calibration slope is certainly
    beyond ``SLOPE_RANGE`` or the level beyond ``LEVEL_RANGE``, or where another is better beyond noise in ranking or
    log-loss, which is to say that the 95 % interval of a paired bootstrap by customer (``ml.bootstrap``) lies on the
    wrong side: the champion; where none can be judged, the fallback, which would serve instead; the simple rule alone.
    The log-loss of the last two must be better by more than ``LUCK_OF_SEASON``.

    No loss is forgiven for the sake of a fresher model. A champion does not grow old by that: as soon as outcomes of
    dates after its training are known it is judged on them itself, aged as it is, and loses by what it has aged.
    """
    challenger = probabilities["model"]
    if broken := _unusable(y, challenger):
        return Decision(False, (broken,))
    by_rule, by_fallback, differences = (
        {} if other is None else _against(y, challenger, other, seed, customers)
        for other in (probabilities.get(name) for name in (baseline, FALLBACK, "champion"))
    )
    refusals = [*_slope_refusal(y, challenger), *_level_refusal(y, challenger)]
    refusals += _worse(by_rule, f"{baseline} alone", LUCK_OF_SEASON)
    if differences:
        refusals += _worse(differences, "the champion", NO_LOSS)
        refusals += _worse_among(segments or {}, y, challenger, probabilities["champion"], seed, customers)
    else:
        refusals += _worse(by_fallback, "the fallback, which would serve instead,", LUCK_OF_SEASON)
    if refusals:
        return Decision(False, tuple(refusals), differences)
    ranked = [f"auc {by_rule['auc']} against {baseline}"] if by_rule else []
    return Decision(True, (_grounds(differences, champion_unfit), *ranked), differences)


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
    return [f"calibration slope {slope:.2f} +- {error:.2f} lies beyond {low:.2f} to {high:.2f}"]


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
            found += _worse(within, f"the champion among {name}", LUCK_OF_SEGMENTS)
    return found


def _worse(differences: Mapping[str, Difference], than: str, allowed: Mapping[str, float]) -> list[str]:
    """Metrics of which certainly more is lost than ``allowed``; more is better for ``auc``, less for ``log_loss``."""
    found = []
    for name, difference in differences.items():
        best = difference.high if name == "auc" else -difference.low
        if best < -allowed[name]:
            found.append(f"{name} is worse than that of {than} beyond noise ({difference})")
    return found


def _grounds(differences: Mapping[str, Difference], champion_unfit: str | None) -> str:
    if champion_unfit:
        return f"the champion cannot be scored any more ({champion_unfit})"
    if not differences:
        return "there is no champion yet"
    return "not worse than the champion (" + ", ".join(f"{name} {value}" for name, value in differences.items()) + ")"
