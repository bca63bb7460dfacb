"""Who speaks where too little is known to train a model: the model of repeat purchase, or the shop's simple rule.

Belongs here: both as one that scores, and the choice between them. Does not belong here: the rule's rates
(``ml.churn.ladder``), fitting the model of repeat purchase (``ml.btyd``), whether a model can be trained
(``ml.churn.recipe``).

Models of repeat purchase are fitted on orders alone and need no outcome, so they speak from the first day on. Among
tiny and young shops (``python -m tests.bench fallback``) BG/NBD, MBG/NBD and Pareto/NBD were alike and better than the
rule at every size; choosing by the few outcomes that such a shop knows gained nothing over always taking the one that
stands among the features. So the rule speaks only where churn is not told from orders, or where it surely was better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ml.churn.ladder import Ladder, fit_ladder
from ml.churn.rules import SILENCE, Rule, column
from ml.evaluation import Floats, row_log_loss
from ml.snapshots import Snapshots
from ml.splits import Outcome

MOST_KNOWN = 10_000
"""Rows whose outcome is known that the choice looks at, about."""
STANDARD_ERRORS = 2.0
"""By how many, in log-loss on dates whose outcome is known, the rule must be better to speak."""


class Fallback(Protocol):
    """Scores customers without a trained model."""

    @property
    def version(self) -> str:
        """``fallback:`` and its name."""

    @property
    def base_rate(self) -> float:
        """What bands and reasons are relative to."""

    def predict(self, X: NDArray[np.float32], names: Sequence[str]) -> Floats:
        """Probability of churn, (rows,)."""

    def contributions(self, X: NDArray[np.float32], names: Sequence[str]) -> Floats:
        """What each feature adds to the base rate, (rows, features)."""


@dataclass(frozen=True)
class Rhythm:
    """What the model of repeat purchase expects; of whom it expects nothing, the ladder speaks."""

    expectation: str
    """Feature that holds its probability of no order within the horizon."""
    ladder: Ladder
    base_rate: float

    version = "fallback:mbg_nbd"

    def predict(self, X: NDArray[np.float32], names: Sequence[str]) -> Floats:
        """Probability of churn, (rows,)."""
        told = column(X, names, self.expectation)
        return np.where(np.isfinite(told), told, self.ladder.predict(X, names))

    def contributions(self, X: NDArray[np.float32], names: Sequence[str]) -> Floats:
        """All of what is said comes from one feature; (rows, features)."""
        told = np.isfinite(column(X, names, self.expectation))
        push = self.ladder.contributions(X, names)
        push[told] = 0
        push[told, names.index(self.expectation)] = self.predict(X, names)[told] - self.base_rate
        return push


@dataclass(frozen=True)
class Choice:
    """Who speaks, and why, in words."""

    fallback: Fallback
    reason: str


def choose(
    known: Snapshots,
    present: NDArray[np.float32],
    outcome: Outcome,
    *,
    active_days: int,
    rule: Rule = SILENCE,
    expectation: str | None = None,
) -> Choice:
    """The fallback of a shop.

    Parameters
    ----------
    known
        Snapshots whose outcome is known, maybe none.
    present
        Features of the customers to be scored.
    expectation
        Feature with a probability of churn of its own, in a shop whose churn is told from orders.
    """
    names = known.names
    ladder = fit_ladder(known.X, known.y, present, names, active_days=active_days, rule=rule)
    if expectation is None:
        return Choice(ladder, "churn is not told from orders")
    told = column(present, names, expectation)
    if not np.isfinite(told).any():
        return Choice(ladder, "no model of repeat purchase can be fitted")
    rhythm = Rhythm(expectation, ladder, float(np.nanmean(told)))
    if len(known) == 0:
        return Choice(rhythm, "no outcome is known yet")
    saved, error = _saved_by_rule(known, rhythm, outcome, active_days)
    said = f"by {rule.name} log-loss would have been less by {saved:.3f} (standard error {error:.3f})"
    return Choice(ladder if saved > STANDARD_ERRORS * error else rhythm, said)


def _saved_by_rule(known: Snapshots, rhythm: Rhythm, outcome: Outcome, active_days: int) -> tuple[float, float]:
    """Log-loss that the rule, by rates known at each date, saves in the mean; its error by the draw of customers."""
    parts = []
    for day in known.dates:
        before, test = known.at(outcome.known_at(known.dates, day)), known.at([day])
        rule = rhythm.ladder.rule
        ladder = fit_ladder(before.X, before.y, test.X, test.names, active_days=active_days, rule=rule)
        said = (fallback.predict(test.X, test.names) for fallback in (rhythm, ladder))
        by_rhythm, by_rule = (row_log_loss(test.y, p) for p in said)
        parts.append(by_rhythm - by_rule)
    saved = np.concatenate(parts)
    _, customer = np.unique(known.hashed, return_inverse=True)
    by_customer = np.bincount(customer, saved - saved.mean())
    return float(saved.mean()), float(np.sqrt((by_customer**2).sum())) / len(saved)
