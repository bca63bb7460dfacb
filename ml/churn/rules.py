"""The simple rule of each kind of churn: what a shop would go by without a model.

Belongs here: a ladder that parts customers into groups of rising risk, what is believed of each group before any
outcome is known, and the columns that the rule reads. It is a fallback where nothing can be learned yet, the
baseline that a model must beat, and needs no kind of churn to be named anywhere else. Does not belong here: rates
fitted from outcomes (``ml.churn.ladder``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.churn.wording import GAP
from ml.evaluation import Floats

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Rule:
    """A ladder of risk.

    ``columns`` are the features it reads, in the order in which one stands in for another (``one_of``) or together;
    ``steps`` part the risk into ``len(prior_rates)`` groups.
    """

    name: str
    columns: tuple[str, ...]
    one_of: bool
    """Only the first of the columns that there is; else all there are."""
    steps: tuple[float, ...]
    prior_rates: tuple[float, ...]
    """What is believed of each group, rising."""
    risk: Callable[[Matrix, Sequence[str], tuple[str, ...], float], Floats]
    """(X, names, read, usual gap) -> where each customer stands on the ladder, (rows,)."""

    def read(self, X: Matrix, names: Sequence[str]) -> tuple[str, ...]:
        """The columns of the rule that anything is known of in X."""
        there = tuple(n for n in self.columns if n in names and np.isfinite(X[:, names.index(n)]).any())
        return there[:1] if self.one_of else there

    def rank(self, frame: Mapping[str, Any]) -> Floats:
        """The rule as a ranking without any outcome: the first column it finds, or its whole ladder; (rows,)."""
        names = [name for name in self.columns if name in frame]
        X = np.column_stack([np.asarray(frame[name], np.float32) for name in names])
        read = self.read(X, names)
        risk = column(X, names, read[0]) if self.one_of and read else self.risk(X, names, read, 1.0)
        return np.where(np.isfinite(risk), risk, 1e9)

    def group(self, X: Matrix, names: Sequence[str], read: tuple[str, ...], usual_gap: float) -> NDArray[np.intp]:
        """Group of each row, 0 the lowest risk; the highest where nothing is known."""
        risk = self.risk(X, names, read, usual_gap)
        return np.searchsorted(self.steps, np.where(np.isfinite(risk), risk, self.steps[-1] + 1), side="right")


def column(X: Matrix, names: Sequence[str], name: str) -> Floats:
    """A column as doubles; all unknown where there is none."""
    return X[:, names.index(name)].astype(float) if name in names else np.full(len(X), np.nan)


def _silence(X: Matrix, names: Sequence[str], read: tuple[str, ...], usual_gap: float) -> Floats:
    silence = column(X, names, read[0]) if read else np.full(len(X), np.nan)
    gap = column(X, names, GAP)
    return np.asarray(silence / np.maximum(np.where(np.isfinite(gap), gap, usual_gap), 1.0))


def _contract(X: Matrix, names: Sequence[str], read: tuple[str, ...], usual_gap: float) -> Floats:
    """A missing payment above all else, then the younger the likelier: 0 after two years, 1 on the first day."""
    del read, usual_gap
    young = 1 - np.clip(column(X, names, "contract_age_days") / YOUNG_DAYS, 0, 1)
    return np.asarray(np.nan_to_num(column(X, names, "is_past_due")) + np.nan_to_num(young, nan=1.0))


YOUNG_DAYS = 730.0

SILENCE = Rule(
    name="recency",
    columns=("days_since_last_order", "days_since_last_event"),
    one_of=True,
    steps=(0.5, 1.0, 2.0, 4.0),
    prior_rates=(0.25, 0.35, 0.50, 0.70, 0.85),
    risk=_silence,
)
"""Silence over the usual gap between orders; the longer, the likelier the end."""

CONTRACT = Rule(
    name="contract",
    columns=("contract_age_days", "days_to_renewal", "is_past_due"),
    one_of=False,
    steps=(0.5, 1 - 90 / YOUNG_DAYS, 1.0),
    prior_rates=(0.05, 0.08, 0.15, 0.40),
    risk=_contract,
)
"""Older than a year, than three months, younger, and a payment missing."""

RULES = {"inactivity": SILENCE, "subscription": CONTRACT}
"""By what churn means in a shop."""
