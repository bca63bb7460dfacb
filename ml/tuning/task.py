"""What judges settings: the same rolling backtest as a training's, on dates that lie before those of the gate.

Belongs here: which dates, and for each model what it says of them and how far off that is. Does not belong here: the
search (``study``), models and their recipes.

The gate judges a training on its newest dates. Nothing may be tuned on what happened after the first of them, and a
date a little earlier has a label window that reaches beyond it. So the rule of time (``ml.splits``) holds here as
everywhere: settings see the snapshots whose outcome was known at the gate's first date, and of these the newest that
had something to learn from are judged. The very newest is kept from the search: it confirms what the search has found,
because the best of many trials owes some of its lead to luck.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ml.amounts import gini
from ml.booster import Recipe
from ml.bootstrap import Difference, paired_bootstrap, paired_gini
from ml.churn import recipe as churn_recipe
from ml.churn import training as churn
from ml.engine import Engine
from ml.evaluation import Floats, log_loss
from ml.parallel import one_blas_thread
from ml.rolling import Origin, TooLittle, origins
from ml.snapshots import Snapshots
from ml.splits import Outcome
from ml.value import recipe as value_recipe
from ml.value import training as value
from ml.value.labels import net_spend

DATES = 5
"""How many dates judge settings; the newest of them is kept from the search."""
Learner = Callable[[Origin], Floats]
"""Trains at a date and says something of its customers, (rows,)."""


class TooLittleHistoryError(ValueError):
    """No two dates can judge settings; the message says why."""


@dataclass(frozen=True)
class Task:
    """One model's settings to be judged."""

    model: str
    metric: str
    """Name of the loss, less is better."""
    searched: tuple[Origin, ...]
    """Ascending: the earlier, the quicker trained on."""
    confirming: Origin
    data_hash: str
    """Of all that the settings may see."""
    learner: Callable[[Recipe], Learner]
    happened: Callable[[Snapshots], Floats]
    loss: Callable[[Floats, Floats], float]
    """Of what happened and what was said on one date."""
    compare: Callable[..., Difference]
    """Loss of the second of (happened, said, said by the defaults) less that of the third, paired by customer."""
    seed: int

    @property
    def rows(self) -> int:
        """Most rows that are learned from."""
        return max(len(origin.known) for origin in (*self.searched, self.confirming))

    def difference(self, judging: tuple[Origin, ...], said: list[Floats], usual: list[Floats]) -> Difference:
        """Of the losses on these dates, with its noise; negative is a gain."""
        return self.compare(
            np.concatenate([self.happened(origin.test) for origin in judging]),
            np.concatenate(said),
            np.concatenate(usual),
            seed=self.seed,
            customers=np.concatenate([origin.test.hashed for origin in judging]),
        )


def tuning_dates(data: Snapshots, outcome: Outcome, too_little: TooLittle, judged: int | None) -> list[Origin]:
    """The newest dates, ascending, at which settings may be judged where the gate judges on ``judged`` dates.

    Raises
    ------
    TooLittleHistoryError
        There are not two.
    """
    gate = origins(data, outcome, too_little, most=judged)
    found = origins(gate[0].known, outcome, too_little, most=DATES) if gate else []
    if len(found) < 2:
        before = f" before {gate[0].date}, from where on the gate judges" if gate else ""
        raise TooLittleHistoryError(
            f"{len(found)} of {len(data.dates)} dates can judge settings{before}, and 2 are needed: the defaults stay "
            "until there is more history (and training_snapshots in shop.yml lets it in)"
        )
    return found


def churn_task(sources: churn.Sources, plan: churn.TrainingPlan, engine: Engine) -> Task:
    """Churn is judged by the log-loss of its probabilities."""
    data = churn.teaching(sources, plan, engine)
    dates = tuning_dates(data, plan.outcome, churn_recipe.too_little, plan.backtest_dates)
    trainer = churn.trainer_of(sources, plan, engine)
    return Task(
        model="churn",
        metric="log-loss",
        searched=tuple(dates[:-1]),
        confirming=dates[-1],
        data_hash=_hash(dates),
        learner=_learner(trainer, lambda own, at: churn.said_at(own.model_at(at.known, at.date), at, engine.threads)),
        happened=lambda rows: rows.y,
        loss=log_loss,
        compare=_log_loss_difference,
        seed=plan.seed,
    )


def value_task(features: Path, labels: Path, plan: value.TrainingPlan, engine: Engine) -> Task:
    """Value is judged by what its recipe chooses its own blend by, and its gate judges by: the Gini of net spend."""
    data = value.teaching(features, labels, plan, engine)
    dates = tuning_dates(data, plan.outcome, value_recipe.too_little, plan.backtest_dates)
    trainer = value_recipe.Trainer(data, plan.outcome, plan.recipe, plan.seed, engine.threads)
    return Task(
        model="value",
        metric="1 - Gini",
        searched=tuple(dates[:-1]),
        confirming=dates[-1],
        data_hash=_hash(dates),
        learner=_learner(
            trainer, lambda own, at: value.predicted_at(own.model_at(at.known, at.date), at, engine.threads).spend
        ),
        happened=net_spend,
        loss=lambda y, p: 1 - gini(y, p),
        compare=_gini_loss_difference,
        seed=plan.seed,
    )


def _learner(trainer: Any, said: Callable[[Any, Origin], Floats]) -> Callable[[Recipe], Learner]:
    """Given a recipe, trains with it date after date; what two dates need is fitted once."""

    def of(recipe: Recipe) -> Learner:
        own = trainer.with_recipe(recipe)

        def at(origin: Origin) -> Floats:
            with one_blas_thread():
                own.fit_ahead([origin.known])
                return said(own, origin)

        return at

    return of


def _hash(dates: list[Origin]) -> str:
    """Of all that is learned from and judged on; what was known at the newest date was known of all others."""
    digest = hashlib.sha256()
    for rows in (dates[-1].known, *(origin.test for origin in dates)):
        digest.update(rows.content_hash.encode())
    return digest.hexdigest()


def _log_loss_difference(y: Floats, said: Floats, usual: Floats, **settings: Any) -> Difference:
    return paired_bootstrap(y, said, usual, **settings)["log_loss"]


def _gini_loss_difference(y: Floats, said: Floats, usual: Floats, **settings: Any) -> Difference:
    gain = paired_gini(y, said, usual, **settings)
    return Difference(-gain.value, -gain.high, -gain.low)
