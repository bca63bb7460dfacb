"""From labelled snapshots to a calibrated model with an honest backtest.

Belongs here: the order of the steps. Does not belong here: MLflow (``ml.registry``), the decision whether the
model may serve (``ml.promotion``), plots.

One recipe (``ml.churn.recipe``), applied at several dates. At a date D it may use the snapshots whose outcome was known
at D (``ml.splits``); the newest of them weigh the parts of a model by how earlier models did on them; the model learns
from all. At the newest snapshots this is the backtest, whose scores meet an outcome that no step has seen. At the
scoring as-of it is the model that serves.

A score is the risk if no play were sent: labels are taken as they would be without plays (``ml.treatments``), to learn
from and to judge by. The holdout, whom no play reaches, is judged apart, on what was seen to happen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.booster import Recipe
from ml.btyd.expectations import OrderFiles
from ml.churn.agreement import SAMPLE, Agreement, agreement
from ml.churn.baselines import baselines
from ml.churn.model import ChurnModel
from ml.churn.recipe import Trainer, too_little
from ml.churn.rules import SILENCE, Rule
from ml.churn.standing import Standing
from ml.defender import let_champion_speak
from ml.dependence import Dependence, dependences
from ml.drift.judged import judge_probabilities
from ml.drift.reference import Reference, reference_of
from ml.drift.stability import odds_around_level
from ml.engine import Engine
from ml.evaluation import Floats, Metrics, evaluate
from ml.parallel import one_blas_thread
from ml.rolling import JUDGED_FOLD, Judged, Origin, by_customers, judged, origins
from ml.segments import Flags, segments_of
from ml.since import fit_ahead, trainers_of
from ml.snapshots import Snapshots, feature_names, known_snapshots, population, read_snapshots
from ml.splits import Outcome
from ml.survival.training import LearnedLifetimes, learn

LIFETIMES = "lifetimes"
"""Folder of the lifetimes of contracts within that of a model."""
BACKTEST_DATES = 3
"""On how many of the newest dates a training is judged; each costs a training."""


@dataclass(frozen=True)
class TrainingPlan:
    """What the caller decides: the shop's definition of churn, the as-of, and the limits."""

    as_of: date
    outcome: Outcome
    rule: Rule = SILENCE
    """The simple rule whose columns alone make the baseline to beat."""
    expectation: str | None = None
    """Feature with a probability of churn of its own: its level is that of the scores."""
    backtest_dates: int | None = BACKTEST_DATES
    """None: all at which enough was known."""
    without: frozenset[str] = frozenset()
    """Features that are left out, to see what they are worth."""
    max_rows: int = 500_000
    """Where more teach next to nothing: on 80 features AUC was .7672 with 250,000 rows, .7674 with 500,000 and .7675
    with a million, each with a standard error of .0009, and training took three times as long for the last."""
    seed: int = 7
    recipe: Recipe = field(default_factory=Recipe)
    recipe_since: date | None = None
    """From when on the recipe could have been known; models of earlier dates grow by the defaults."""


@dataclass(frozen=True)
class Sources:
    """Files of snapshots (``orchestration.snapshots``)."""

    features: Path
    labels: Path
    orders: OrderFiles | None = None
    """For a shop whose churn is told from orders: what its season and its classical baselines are fitted on."""


@dataclass(frozen=True)
class Backtest:
    """Scores at the newest snapshots whose outcome is known, each by models that could not have known it."""

    judged: Judged
    """Said by ``model``, ``logistic``, ``fallback``, the plan's rule by its name, the classical models of repeat
    purchase by theirs and, where its features are still there, ``champion``."""
    kind: str
    """``time``: learned before, judged after. ``customers``: too little history, judged on other customers of the
    same time, which flatters the level."""
    metrics: dict[str, Metrics]
    """By model, over all dates."""
    segments: dict[str, Flags]
    """By name, the rows of customers that are looked at apart."""
    champion_unfit: str | None = None
    """Why the champion could not be judged on today's features, if so."""

    @property
    def dates(self) -> tuple[date, ...]:
        return self.judged.dates

    @property
    def y(self) -> Floats:
        return self.judged.y

    @property
    def probabilities(self) -> dict[str, Floats]:
        return self.judged.said


@dataclass(frozen=True)
class TrainingResult:
    """A model, the models of its backtest by date, and how those did."""

    model: ChurnModel
    backtest_models: dict[date, ChurnModel]
    backtest: Backtest
    reference: Reference
    """What drift is told from later."""
    standing: Standing
    """The level of today's customers, at which a few of them are served."""
    snapshots: tuple[date, ...]
    rows: int
    customers: int
    data_hash: str
    reasons: Agreement
    """How often quick reasons would be the exact ones that are published."""
    dependences: tuple[Dependence, ...]
    """How the score depends on the features that move it most."""
    plays: str | None = None
    """What the arms tell of the effects of our plays; None where none was decided."""
    lifetimes: LearnedLifetimes | None = None
    """How long contracts run on; None where churn is not told from them, or too few have ended."""

    def save(self, folder: Path) -> Path:
        """``<folder>`` is the model that serves, ``<folder>/backtest/<date>`` those to judge a later challenger by,
        ``<folder>/lifetimes`` tells how long contracts run on."""
        self.model.save(folder)
        for day, model in self.backtest_models.items():
            model.save(folder / "backtest" / day.isoformat())
        self.reference.save(folder)
        self.standing.save(folder)
        if self.lifetimes:
            self.lifetimes.model.save(folder / LIFETIMES)
        return folder


@dataclass(frozen=True)
class TooLittleData:
    """Nothing can be learned yet; ``reason`` says why. The fallback (``ml.churn.fallback``) speaks instead."""

    reason: str
    customers: int


def train(
    sources: Sources, plan: TrainingPlan, engine: Engine, *, champion_folder: Path | None = None
) -> TrainingResult | TooLittleData:
    """Read, backtest, and train the model that serves. The same bytes for any number of threads."""
    data = teaching(sources, plan, engine)
    if problem := too_little(data):
        return TooLittleData(problem, data.customers)
    trainer = trainer_of(sources, plan, engine)
    with one_blas_thread():
        trainer.fit_ahead([data])
        models, backtest = backtested(trainer, data, plan, champion_folder)
        model = trainer.model_at(data, plan.as_of)
        lifetimes = learn((sources.features, sources.labels), data.names, plan, engine)
    return TrainingResult(
        model=model,
        backtest_models=models,
        backtest=backtest,
        reference=_reference(data, model, backtest, plan, engine.threads),
        standing=_standing(sources, model, plan, engine),
        snapshots=data.dates,
        rows=len(data),
        customers=data.customers,
        data_hash=data.content_hash,
        reasons=agreement(model, some := data.some_of_newest(SAMPLE), threads=engine.threads),
        dependences=_dependences(model, some),
        plays=trainer.said_of_plays(data),
        lifetimes=lifetimes,
    )


def trainer_of(sources: Sources, plan: TrainingPlan, engine: Engine) -> Trainer:
    """Applies the plan's recipe at any of its dates."""
    return Trainer(plan.outcome, plan.recipe, plan.seed, engine.threads, plan.expectation, sources.orders)


def teaching(sources: Sources, plan: TrainingPlan, engine: Engine) -> Snapshots:
    """The snapshots whose outcome is known at the plan's as-of."""
    dates = plan.outcome.known_at(tuple(known_snapshots(sources.labels, engine)), plan.as_of)
    names = tuple(name for name in feature_names(sources.features) if name not in plan.without)
    return read_snapshots(sources.features, sources.labels, names, dates, engine, max_rows=plan.max_rows)


def _dependences(model: ChurnModel, X: NDArray[np.float32]) -> tuple[Dependence, ...]:
    added = np.empty((X.shape[1] + 1, len(X)))
    model.explain(added, np.ascontiguousarray(X.T))
    return dependences(X, added[:-1], model.names)


def backtested(
    trainer: Trainer, data: Snapshots, plan: TrainingPlan, champion_folder: Path | None = None
) -> tuple[dict[date, ChurnModel], Backtest]:
    """The model of each date and what all models said of it."""
    data = trainer.untreated(data)
    rolled = origins(data, plan.outcome, too_little, most=plan.backtest_dates)
    judging = rolled or [by_customers(data, JUDGED_FOLD)]
    own = trainers_of(trainer, [origin.date for origin in judging], plan.recipe_since)
    fit_ahead(own, {origin.date: origin.known for origin in judging})
    models = {origin.date: own[origin.date].model_at(origin.known, origin.date) for origin in judging}
    said = [
        {
            "model": said_at(models[origin.date], origin, trainer.threads),
            **baselines(own[origin.date], origin, plan.rule),
        }
        for origin in judging
    ]
    unfit = let_champion_speak(
        champion_folder, judging, said, plan.outcome, ChurnModel.load, lambda m, at: said_at(m, at, trainer.threads)
    )
    rows = judged([origin.test for origin in judging], [origin.test.y for origin in judging], said)
    metrics = {name: _metrics(rows.where(name), name, plan.seed) for name in rows.said}
    apart = segments_of([origin.test for origin in judging])
    return models, Backtest(rows, "time" if rolled else "customers", metrics, apart, unfit)


def said_at(model: ChurnModel, origin: Origin, threads: int) -> Floats:
    """What a model says of the customers of a date, at its level, (rows,)."""
    test = origin.test
    model.check(test.names)
    return model.predict(test.X, test.names, model.level(test.X, origin.date, threads=threads), threads=threads)


def _metrics(rows: Judged, name: str, seed: int) -> Metrics:
    return evaluate(rows.y, rows.said[name], seed=seed)


def by_segment(backtest: Backtest) -> dict[str, Metrics]:
    """Metrics of the model among the customers of each segment."""
    rows = {name: backtest.judged.rows(inside) for name, inside in backtest.segments.items()}
    return {name: evaluate(own.y, own.said["model"]) for name, own in rows.items()}


def by_date(backtest: Backtest, seed: int) -> Mapping[date, dict[str, Metrics]]:
    """Metrics of each model on each date."""
    rows = {day: backtest.judged.at(day) for day in backtest.dates}
    return {
        day: {name: _metrics(own.where(name), name, seed) for name in own.said if np.isfinite(own.said[name]).any()}
        for day, own in rows.items()
    }


def _standing(sources: Sources, model: ChurnModel, plan: TrainingPlan, engine: Engine) -> Standing:
    today = population(sources.features, sources.labels, model.names, plan.as_of, engine)
    return Standing(plan.as_of, model.level(today, plan.as_of, threads=engine.threads), len(today))


def _reference(data: Snapshots, model: ChurnModel, backtest: Backtest, plan: TrainingPlan, threads: int) -> Reference:
    """Scores that the model itself gives the newest date, beside how its backtest did on it."""
    day, gains = backtest.dates[-1], model.trees.gains()
    newest, rows = data.at([day]), backtest.judged.at(day)
    level = model.level(newest.X, day, threads=threads)
    spread = odds_around_level(model.predict(newest.X, newest.names, level, threads=threads))
    found = judge_probabilities(rows.y, rows.said["model"], seed=plan.seed)
    return reference_of(data, gains, as_of=plan.as_of, backtest_date=day, spread=spread, judged=found)
