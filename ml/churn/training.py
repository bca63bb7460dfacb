"""From labelled snapshots to a calibrated model with an honest backtest.

Belongs here: the order of the steps. Does not belong here: MLflow (``ml.registry``), the decision whether the
model may serve (``ml.promotion``), plots.

One recipe, applied at two dates. At a date D it may use the snapshots whose outcome was known at D (``ml.splits``):
the newest of them is held out to choose the blend and to calibrate a model that knows only what was known *then*;
the final model learns from all of them. At D = the newest snapshot this is the backtest, whose scores meet an
outcome that no step has seen. At D = the scoring as-of it is the model that serves.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np

from ml.booster import Recipe
from ml.churn.agreement import SAMPLE, Agreement, agreement
from ml.churn.model import ChurnModel
from ml.churn.recipe import Trainer, baselines, too_little
from ml.churn.rules import SILENCE, Rule
from ml.engine import Engine
from ml.evaluation import Floats, Metrics, evaluate
from ml.model import FeatureMismatchError, ModelFileError
from ml.snapshots import Snapshots, feature_names, known_snapshots, read_snapshots
from ml.splits import Outcome


@dataclass(frozen=True)
class TrainingPlan:
    """What the caller decides: the shop's definition of churn, the as-of, and the limits."""

    as_of: date
    outcome: Outcome
    rule: Rule = SILENCE
    """The simple rule whose columns alone make the baseline to beat."""
    max_rows: int = 2_000_000
    seed: int = 7
    recipe: Recipe = field(default_factory=Recipe)


@dataclass(frozen=True)
class Backtest:
    """Scores at the newest snapshot whose outcome is known, by models that could not have known it."""

    date: date
    kind: str
    """``time``: learned before, judged after. ``customers``: too little history, judged on other customers of the
    same time, which flatters the level."""
    y: Floats
    probabilities: dict[str, Floats]
    """By model: ``model``, ``logistic``, the plan's rule by its name and, where its features are still there,
    ``champion``."""
    metrics: dict[str, Metrics]
    champion_unfit: str | None = None
    """Why the champion could not be judged on today's features, if so."""


@dataclass(frozen=True)
class TrainingResult:
    """A model, the model of its backtest, and how that one did."""

    model: ChurnModel
    backtest_model: ChurnModel
    backtest: Backtest
    snapshots: tuple[date, ...]
    rows: int
    customers: int
    data_hash: str
    reasons: Agreement
    """How often quick reasons would be the exact ones that are published."""

    def save(self, folder: Path) -> Path:
        """``<folder>`` is the model that serves, ``<folder>/backtest`` the one to judge a later challenger by."""
        self.model.save(folder)
        self.backtest_model.save(folder / "backtest")
        return folder


@dataclass(frozen=True)
class TooLittleData:
    """Nothing can be learned yet; ``reason`` says why. The fallback (``ml.churn.fallback``) speaks instead."""

    reason: str
    customers: int


def train(
    features: Path, labels: Path, plan: TrainingPlan, engine: Engine, *, champion_folder: Path | None = None
) -> TrainingResult | TooLittleData:
    """Read, backtest, and train the model that serves. The same bytes for any number of threads."""
    import threadpoolctl

    dates = plan.outcome.known_at(tuple(known_snapshots(labels, engine)), plan.as_of)
    data = read_snapshots(features, labels, feature_names(features), dates, engine, max_rows=plan.max_rows)
    if problem := too_little(data):
        return TooLittleData(problem, data.customers)
    trainer = Trainer(data, plan.outcome, plan.recipe, plan.seed, engine.threads)
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        backtest_model, backtest = _backtest(trainer, plan, champion_folder)
        model = trainer.model_at(data)
    return TrainingResult(
        model=model,
        backtest_model=backtest_model,
        backtest=backtest,
        snapshots=data.dates,
        rows=len(data),
        customers=data.customers,
        data_hash=_hash(data),
        reasons=_reasons(model, data, engine.threads),
    )


def _reasons(model: ChurnModel, data: Snapshots, threads: int) -> Agreement:
    """Measured on some customers of the newest snapshot, chosen by their hash."""
    newest = data.at(data.dates[-1:])
    return agreement(model, newest.X[np.argsort(newest.hashed, kind="stable")[:SAMPLE]], threads=threads)


def _backtest(trainer: Trainer, plan: TrainingPlan, champion_folder: Path | None) -> tuple[ChurnModel, Backtest]:
    learned, test, kind = trainer.backtest()
    model = trainer.model_at(learned)
    day = test.dates[0]
    probabilities = {
        "model": model.predict(test.X, test.names, day, threads=trainer.threads),
        **baselines(trainer, learned, test, plan.rule),
    }
    unfit = None
    if champion_folder:
        try:
            champion = judged_champion(champion_folder, day, plan.outcome)
            probabilities["champion"] = champion.predict(test.X, test.names, day, threads=trainer.threads)
        except (FeatureMismatchError, ModelFileError) as error:
            unfit = str(error)
    metrics = {name: evaluate(test.y, p, seed=plan.seed) for name, p in probabilities.items()}
    return model, Backtest(day, kind, test.y, probabilities, metrics, unfit)


def judged_champion(folder: Path, day: date, outcome: Outcome) -> ChurnModel:
    """The champion's model that could not have known the outcomes after ``day``: an old champion itself, else its
    own backtest model. Judged by what it has already seen, a champion would never be beaten."""
    champion = ChurnModel.load(folder)
    learned = tuple(champion.level_gaps)
    is_honest = outcome.known_at(learned, day) == tuple(sorted(learned))
    return champion if is_honest else ChurnModel.load(folder / "backtest")


def _hash(data: Snapshots) -> str:
    """Hash of exactly what was learned from: names, order, values, outcomes."""
    digest = hashlib.sha256(" ".join(data.names).encode())
    for part in (data.day, data.hashed, data.y, data.X):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
