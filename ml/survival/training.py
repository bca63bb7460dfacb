"""From labelled snapshots to lifetimes of contracts, and what these were worth on customers of an earlier date.

Belongs here: which rows teach, the check. Does not belong here: rows (``ml.survival.periods``), the model
(``ml.survival.contracts``), MLflow (``ml.churn.record``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ml.booster import Recipe
from ml.engine import Engine
from ml.evaluation import Floats
from ml.since import before
from ml.snapshots import Snapshots, known_snapshots, read_snapshots
from ml.splits import Outcome
from ml.survival.contracts import NEEDED, ContractLifetimes, fit_contract_lifetimes
from ml.survival.periods import ENDED, PERIOD_DAYS, TARGETS, WATCHED, period_outcome, person_periods

if TYPE_CHECKING:
    from ml.churn.training import TrainingPlan

CHECKED_DAYS = 180
"""Within so many days after an earlier date lifetimes are held against what happened."""
USUAL_PERIODS = 8
"""A customer of a snapshot makes about so many rows."""


@dataclass(frozen=True)
class LearnedLifetimes:
    """A model, and how an earlier one did."""

    model: ContractLifetimes
    check: Check | None


@dataclass(frozen=True)
class Check:
    """Mean days of the next ``CHECKED_DAYS`` with a contract, on a date whose outcome the model did not know."""

    date: date
    customers: int
    expected_days: float
    happened_days: float

    def as_metrics(self) -> dict[str, float]:
        return {"lifetime_days_expected": self.expected_days, "lifetime_days_happened": self.happened_days}


def learn(
    files: tuple[Path, Path], names: tuple[str, ...], plan: TrainingPlan, engine: Engine
) -> LearnedLifetimes | None:
    """Learn from all that is known at an as-of; None where churn is not told from contracts, or too few have ended.

    Parameters
    ----------
    files
        Features and labels.
    names
        Features that may be learned from.
    """
    watched = _watched(files, names, plan, engine)
    if watched is None:
        return None
    rows = person_periods(watched)
    model = fit_contract_lifetimes(rows, plan.recipe, seed=plan.seed, threads=engine.threads)
    return LearnedLifetimes(model, _check(watched, rows, plan, engine.threads)) if model else None


def known_at(rows: Snapshots, day: date, outcome: Outcome) -> Snapshots:
    """Of rows of customer and period those whose outcome was known on a day."""
    return rows.at(period_outcome(outcome).known_at(rows.dates, day))


def _watched(files: tuple[Path, Path], names: tuple[str, ...], plan: TrainingPlan, engine: Engine) -> Snapshots | None:
    import pyarrow.parquet as pq

    features, labels = files
    if not (set(TARGETS) <= set(pq.read_schema(labels).names) and set(NEEDED) <= set(names)):
        return None
    dates = period_outcome(plan.outcome).known_at(tuple(known_snapshots(labels, engine, TARGETS)), plan.as_of)
    most = plan.max_rows // USUAL_PERIODS
    rows = read_snapshots(features, labels, names, dates, engine, max_rows=most, targets=TARGETS)
    return rows if len(rows) else None


def _check(watched: Snapshots, rows: Snapshots, plan: TrainingPlan, threads: int) -> Check | None:
    """On the newest date after which enough has passed; None where too little was known on it."""
    passed = timedelta(CHECKED_DAYS + plan.outcome.label_delay_days)
    dates = [day for day in watched.dates if day + passed <= plan.as_of]
    if not dates:
        return None
    known = known_at(rows, dates[-1], plan.outcome)
    recipe = Recipe() if before(dates[-1], plan.recipe_since) else plan.recipe
    model = fit_contract_lifetimes(known, recipe, seed=plan.seed, threads=threads)
    if model is None:
        return None
    test = watched.at(dates[-1:])
    expected = model.expected_days(test.X, CHECKED_DAYS, threads=threads)
    return Check(dates[-1], len(test), float(expected.mean()), float(happened_days(test, CHECKED_DAYS).mean()))


def happened_days(rows: Snapshots, days: int) -> Floats:
    """Days of the next ``days``, a number of periods, with a contract; who left did so half way through the period."""
    watched, ended = rows.target(WATCHED) * PERIOD_DAYS, rows.target(ENDED) > 0
    return np.minimum(np.where(ended, watched - PERIOD_DAYS / 2, watched), days)
