"""When to train again, and why, in words.

Belongs here: thresholds, grounds, and how long a request stands. Does not belong here: the figures behind them
(``stability``, ``judged``), where a request is kept and who acts on it (``orchestration.drift``).

A request is no verdict: the challenger still has to pass the gate. It costs one training, so the thresholds ask rather
early; what a training cannot mend, as a season that moves features every year, it asks for once in ``PAUSE_DAYS``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import isfinite

from ml.drift.judged import Judged, Realised
from ml.drift.reference import Reference
from ml.drift.stability import Shift

MOST_AGE_DAYS = 90
RANKING_LOSS = 0.02
"""AUC or Gini that may be lost against the backtest without a word, beyond noise."""
MOVED_GAIN = 0.25
"""Share of the trees' gain that may rest on moved features."""
APART_DAYS = 28
"""Outcomes of neighbouring days share nearly all of their window; two confirm each other only this far apart."""
PAUSE_DAYS = 28
"""After a training, whatever the gate said of it: before there are four weeks of new outcomes it would end the same."""


@dataclass(frozen=True)
class Measures:
    """What ranking and level are called, and how far off the level may be without a word, beyond noise."""

    ranking: str
    level: str
    level_tolerance: float

    @property
    def names(self) -> tuple[str, str]:
        return self.ranking, self.level


CHURN = Measures("AUC", "calibration error", 0.02)
VALUE = Measures("Gini", "total bias", 0.2)


@dataclass(frozen=True)
class Request:
    """Why the model that served at ``as_of`` should be trained again; without reasons it asks for nothing."""

    as_of: date
    version: str
    reasons: tuple[str, ...]
    tried: date
    """As-of of the newest training, whether the gate let it pass or not."""

    def stands_at(self, day: date) -> bool:
        """Whether a run of that as-of should train."""
        return bool(self.reasons) and self.as_of <= day and day >= self.waits_until

    @property
    def waits_until(self) -> date:
        return self.tried + timedelta(PAUSE_DAYS)


def reasons(
    as_of: date, reference: Reference, shifts: Mapping[str, Shift], score: Shift, realised: Sequence[Realised],
    measures: Measures,
) -> tuple[str, ...]:  # fmt: skip
    """Every ground for training again, as a sentence; none for an as-of before the model's own.

    Parameters
    ----------
    realised
        Judged as-ofs, ascending. Those that the model has learned from say nothing against it any more, whoever
        scored them.
    """
    age = (as_of - reference.as_of).days
    if age < 0:
        return ()
    unlearned = [one for one in realised if one.as_of > reference.learned_until]
    found = [f"it was trained {age} days ago, the limit is {MOST_AGE_DAYS}" if age >= MOST_AGE_DAYS else None]
    found += performance_reasons(reference, unlearned, measures)
    found += [score_moved(score), features_moved(shifts, reference.gains)]
    return tuple(reason for reason in found if reason)


def that_speak(realised: Sequence[Realised]) -> tuple[Realised, ...]:
    """Those of judged as-ofs, ascending, that a request rests on: the newest, and before it one far enough apart."""
    newest = realised[-1:]
    earlier = [one for one in realised if (newest[0].as_of - one.as_of).days >= APART_DAYS]
    return (*earlier[-1:], *newest)


def performance_reasons(reference: Reference, realised: Sequence[Realised], measures: Measures) -> list[str]:
    """What the newest outcomes say against the model: a ranking lost, a level missed twice."""
    if not realised:
        return []
    found = [_ranking_lost(reference.backtest, realised[-1], measures.ranking)]
    missed = [one for one in that_speak(realised) if _is_level_missed(one.judged, measures)]
    if len(missed) == 2:
        said = " and ".join(
            f"{one.judged.level:+.3f} at {one.as_of} (chance alone up to {one.judged.level_noise:.3f})"
            for one in missed
        )
        found.append(f"{measures.level} {said}")
    return [reason for reason in found if reason]


def score_moved(score: Shift) -> str | None:
    return f"its scores moved: PSI {score.psi:.2f}, chance alone up to {score.noise:.2f}" if score.is_beyond else None


def features_moved(shifts: Mapping[str, Shift], gains: Mapping[str, float]) -> str | None:
    """The moved features by gain, where the model rests on them."""
    moved = sorted((name for name, shift in shifts.items() if shift.is_beyond), key=lambda name: -gains.get(name, 0.0))
    carried = sum(gains.get(name, 0.0) for name in moved)
    if carried <= MOVED_GAIN:
        return None
    return f"features that carry {carried:.0%} of its gain moved: {', '.join(moved[:3])}"


def _ranking_lost(backtest: Judged, newest: Realised, name: str) -> str | None:
    now = newest.judged
    noise = 1.96 * (backtest.ranking_error**2 + now.ranking_error**2) ** 0.5
    if not isfinite(noise) or not backtest.ranking - now.ranking > max(RANKING_LOSS, noise):
        return None
    return (
        f"{name} {now.ranking:.3f} of {newest.version} on the {now.customers:,} customers of {newest.as_of}, "
        f"{backtest.ranking:.3f} in the backtest; chance alone up to {noise:.3f} apart"
    )


def _is_level_missed(judged: Judged, measures: Measures) -> bool:
    return abs(judged.level) > max(measures.level_tolerance, judged.level_noise)
