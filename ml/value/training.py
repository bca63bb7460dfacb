"""From labelled snapshots to a value model with an honest backtest.

Belongs here: the order of the steps. Does not belong here: MLflow (``ml.registry``), the decision whether the model
may serve (``ml.value.gate``), plots. As in churn, one recipe is applied at two dates: at the newest snapshot, whose
outcome no step has seen, and at the scoring as-of.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np

from ml.amounts import Metrics, coverage, evaluate
from ml.booster import Recipe
from ml.btyd.expectations import read_histories
from ml.drift.judged import judge_amounts
from ml.drift.reference import Reference, reference_of
from ml.drift.stability import times_the_mean
from ml.engine import Engine
from ml.evaluation import Floats
from ml.model import FeatureMismatchError, ModelFileError
from ml.snapshots import Snapshots, feature_names, known_snapshots, read_snapshots
from ml.splits import Outcome
from ml.value.baselines import fit_historical_average, frequency_times_value, purchases_times_value
from ml.value.model import Prediction, ValueModel
from ml.value.recipe import TARGETS, Trainer, net_spend, too_little


@dataclass(frozen=True)
class TrainingPlan:
    """What the caller decides: the as-of, the horizon, and the limits."""

    as_of: date
    outcome: Outcome
    max_rows: int = 2_000_000
    seed: int = 7
    recipe: Recipe = field(default_factory=Recipe)


@dataclass(frozen=True)
class Backtest:
    """Predictions at the newest snapshot whose outcome is known, by models that could not have known it."""

    date: date
    kind: str
    """``time``: learned before, judged after. ``customers``: too little history, judged on other customers of the
    same time, which flatters the level."""
    y: Floats
    """Net spend, nothing below 0."""
    predictions: dict[str, Floats]
    """By model: ``model``, ``historical_average``, ``frequency_x_value`` and, where there are any, the classical
    ``pareto_nbd_gamma_gamma`` and the ``champion``."""
    metrics: dict[str, Metrics]
    orders: Metrics
    """The same of expected orders."""
    prediction: Prediction
    coverage: float
    """Share of customers within the interval, meant to be .8."""
    champion_unfit: str | None = None
    """Why the champion could not be judged on today's features, if so."""


@dataclass(frozen=True)
class TrainingResult:
    """A model, the model of its backtest, and how that one did."""

    model: ValueModel
    backtest_model: ValueModel
    backtest: Backtest
    reference: Reference
    """What drift is told from later."""
    own_totals: dict[date, float]
    """By snapshot: the final model's sum before any season."""
    rows: int
    customers: int
    data_hash: str

    def save(self, folder: Path) -> Path:
        """``<folder>`` is the model that serves, ``<folder>/backtest`` the one to judge a later challenger by."""
        self.model.save(folder)
        self.backtest_model.save(folder / "backtest")
        self.reference.save(folder)
        return folder


@dataclass(frozen=True)
class TooLittleData:
    """Nothing can be learned yet; ``reason`` says why. The historical average speaks instead."""

    reason: str
    customers: int


def train(
    features: Path,
    labels: Path,
    plan: TrainingPlan,
    engine: Engine,
    *,
    histories: Path | None = None,
    champion_folder: Path | None = None,
) -> TrainingResult | TooLittleData:
    """Read, backtest, and train the model that serves. The same bytes for any number of threads.

    ``histories`` of orders are what the classical baseline is fitted on, where the shop has them.
    """
    import threadpoolctl

    dates = plan.outcome.known_at(tuple(known_snapshots(labels, engine, TARGETS)), plan.as_of)
    names = feature_names(features)
    data = read_snapshots(features, labels, names, dates, engine, max_rows=plan.max_rows, targets=TARGETS)
    if problem := too_little(data):
        return TooLittleData(problem, data.customers)
    trainer = Trainer(data, plan.outcome, plan.recipe, plan.seed, engine.threads)
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        backtest_model, backtest = _backtest(trainer, histories, champion_folder)
        model = trainer.model_at(data)
    own = model.spend.own(data.X, engine.threads)
    numbers = np.unique(data.day)
    return TrainingResult(
        model=model,
        backtest_model=backtest_model,
        backtest=backtest,
        reference=_reference(trainer, model, backtest, plan.as_of),
        own_totals={day: float(own[data.day == number].sum()) for day, number in zip(data.dates, numbers, strict=True)},
        rows=len(data),
        customers=data.customers,
        data_hash=_hash(data),
    )


def _backtest(trainer: Trainer, histories: Path | None, champion_folder: Path | None) -> tuple[ValueModel, Backtest]:
    origin, kind = trainer.backtest()
    learned, test = origin.known, origin.test
    model = trainer.model_at(learned)
    day, horizon, y = test.dates[0], trainer.outcome.horizon_days, net_spend(test)
    prediction = model.predict(test.X, test.names, day, threads=trainer.threads)
    average = fit_historical_average(learned.X, learned.names, returned_share=model.returned_share)
    predictions = {
        "model": prediction.spend,
        "historical_average": average.predict(test.X, test.names, horizon)[0],
        "frequency_x_value": frequency_times_value(test.X, test.names, horizon),
    }
    if histories is not None:
        told = read_histories(histories, day)
        classical = purchases_times_value(test.X, test.names, told, horizon, model.returned_share)
        predictions |= {} if classical is None else {"pareto_nbd_gamma_gamma": classical}
    unfit = None
    if champion_folder:
        try:
            champion = judged_champion(champion_folder, day, trainer.outcome)
            predictions["champion"] = champion.predict(test.X, test.names, day, threads=trainer.threads).spend
        except (FeatureMismatchError, ModelFileError) as error:
            unfit = str(error)
    return model, Backtest(
        date=day,
        kind=kind,
        y=y,
        predictions=predictions,
        metrics={name: evaluate(y, p) for name, p in predictions.items()},
        orders=evaluate(np.maximum(test.target("orders_within_horizon"), 0), prediction.orders),
        prediction=prediction,
        coverage=coverage(y, prediction.low, prediction.high),
        champion_unfit=unfit,
    )


def judged_champion(folder: Path, day: date, outcome: Outcome) -> ValueModel:
    """The champion's model that could not have known the outcomes after ``day``: itself if old, else its backtest's."""
    champion = ValueModel.load(folder)
    is_honest = outcome.known_at(champion.snapshots, day) == champion.snapshots
    return champion if is_honest else ValueModel.load(folder / "backtest")


def _reference(trainer: Trainer, model: ValueModel, backtest: Backtest, as_of: date) -> Reference:
    newest = trainer.data.at([backtest.date])
    spread = times_the_mean(model.spend.own(newest.X, trainer.threads))
    judged = judge_amounts(backtest.y, backtest.prediction.spend, seed=trainer.seed)
    gains = model.spend.trees.gains()
    return reference_of(trainer.data, gains, as_of=as_of, backtest_date=backtest.date, spread=spread, judged=judged)


def _hash(data: Snapshots) -> str:
    """Hash of exactly what was learned from: names, order, values, outcomes."""
    digest = hashlib.sha256(" ".join(data.names).encode())
    for part in (data.day, data.hashed, data.Y, data.X):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
