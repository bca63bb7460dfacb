"""The recipe at one date: learn from what was known then, hold out the newest of it, blend, calibrate.

Belongs here: which rows each part learns from. Does not belong here: reading files and reporting
(``ml.churn.training``), the parts themselves.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from ml.booster import Recipe, fit_trees
from ml.churn.calibration import Line, fit_line, knows_season, level_gap, season_shift
from ml.churn.model import ChurnModel
from ml.churn.rules import Rule
from ml.evaluation import Floats, expit, log_loss
from ml.holdout import backtest_rows, hold_out
from ml.linear import fit_logistic
from ml.model import blend
from ml.snapshots import Snapshots
from ml.splits import Outcome

FEWEST_CUSTOMERS = 100
FEWEST_OF_A_CLASS = 10
BLENDS = (0.0, 0.5, 1.0)
"""Shares of the logistic regression that are tried on the held-out snapshot."""


def too_little(data: Snapshots) -> str | None:
    """Why these snapshots cannot teach a model, or None."""
    if len(data) == 0:
        return "no snapshot has a finished outcome yet"
    if data.customers < FEWEST_CUSTOMERS:
        return f"{data.customers} customers with a known outcome, {FEWEST_CUSTOMERS} are needed"
    fewer = int(min(data.y.sum(), len(data) - data.y.sum()))
    if fewer < FEWEST_OF_A_CLASS:
        return f"only {fewer} of {len(data)} outcomes differ from the rest, {FEWEST_OF_A_CLASS} are needed"
    return None


@dataclass(frozen=True)
class Trainer:
    """Applies the recipe at any date to the same snapshots and fits each part once.

    The backtest's final model and the base of the serving model's calibration learn from the same rows.
    """

    data: Snapshots
    outcome: Outcome
    recipe: Recipe
    seed: int
    threads: int
    fitted: dict[bytes, ChurnModel] = field(default_factory=dict)

    def model_at(self, known: Snapshots) -> ChurnModel:
        """The calibrated model of one date, given the snapshots whose outcome was known then."""
        earlier, held = self.hold_out(known)
        base = self.parts(earlier)
        share, line = self._blend_and_line(base, held)
        final = replace(self.parts(known), logistic_share=share, line=line)
        return replace(final, level_gaps=self._level_gaps(final, known))

    def backtest(self) -> tuple[Snapshots, Snapshots, str]:
        """Rows to learn from, rows to judge on, and how they are parted: by ``time``, or by ``customers``."""
        return backtest_rows(self.data, self.outcome, too_little)

    def parts(self, rows: Snapshots) -> ChurnModel:
        """Trees and logistic regression, not yet blended or calibrated; fitted once per set of rows."""
        key = hashlib.sha256(rows.day.tobytes() + rows.hashed.tobytes()).digest()
        if key not in self.fitted:
            trees = fit_trees(rows.X, rows.y, rows.names, self.recipe, seed=self.seed, threads=self.threads)
            logistic = fit_logistic(rows.X, rows.y, rows.hashed)
            self.fitted[key] = ChurnModel(rows.names, trees, logistic, 0.0, Line(), {}, float(rows.y.mean()))
        return self.fitted[key]

    def hold_out(self, known: Snapshots) -> tuple[Snapshots, Snapshots]:
        """The newest snapshot, and those whose outcome was known at it; a quarter of customers where none was."""
        return hold_out(known, self.outcome, too_little)

    def _blend_and_line(self, base: ChurnModel, held: Snapshots) -> tuple[float, Line]:
        """The blend with the lower log-loss on the held-out snapshot, and the line that calibrates it."""
        trees, logistic = base.trees.margin(held.X, self.threads), base.logistic.margin(held.X)
        tried = [(share, blend(trees, logistic, share)) for share in BLENDS]
        share, margin = min(tried, key=lambda one: log_loss(held.y, expit(one[1] + level_gap(one[1], held.y))))
        earlier = replace(base, logistic_share=share)
        gaps, day = self._level_gaps(earlier, self._rows_before(held)), held.dates[0]
        shifted = margin + season_shift(gaps, day)
        return share, fit_line(shifted, held.y, knows_season=knows_season(gaps, day))

    def _rows_before(self, held: Snapshots) -> Snapshots:
        return self.data.at(self.outcome.known_at(self.data.dates, held.dates[0]))

    def _level_gaps(self, model: ChurnModel, rows: Snapshots) -> dict[date, float]:
        margin = model.margin(rows.X, threads=self.threads)
        day_rows = ((day, rows.day == number) for day, number in zip(rows.dates, np.unique(rows.day), strict=True))
        return {day: level_gap(margin[own], rows.y[own]) for day, own in day_rows}


def baselines(trainer: Trainer, learned: Snapshots, test: Snapshots, rule: Rule) -> dict[str, Floats]:
    """The rule's columns alone and logistic regression on all, fitted on what the backtest model learned from."""
    found = {"logistic": expit(trainer.parts(learned).logistic.margin(test.X))}
    if read := rule.read(learned.X, learned.names):
        k = [learned.names.index(name) for name in read]
        found[rule.name] = expit(fit_logistic(learned.X[:, k], learned.y, learned.hashed).margin(test.X[:, k]))
    return found
