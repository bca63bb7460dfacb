"""From labelled snapshots to a value model with an honest backtest.

Belongs here: the order of the steps. Does not belong here: what a backtest tells (``ml.value.backtest``), MLflow
(``ml.registry``), the decision whether the model may serve (``ml.value.gate``), plots. As in churn, one recipe is
applied at several dates: at the newest snapshots, whose outcome no step has seen, and at the scoring as-of.

As in churn too, a value is what customers bring if no play is sent: amounts are taken as they would be without plays
(``ml.treatments``), to learn from and to judge by. The holdout, whom no play reaches, is judged apart, on what was seen
to happen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.amounts import evaluate
from ml.booster import Recipe
from ml.btyd.expectations import OrderFiles
from ml.defender import let_champion_speak
from ml.dependence import Dependence, dependences
from ml.drift.judged import judge_amounts
from ml.drift.reference import Reference, reference_of
from ml.drift.stability import times_the_mean
from ml.engine import Engine
from ml.evaluation import Floats
from ml.parallel import one_blas_thread
from ml.promotion import FALLBACK
from ml.rolling import JUDGED_FOLD, Origin, by_customers, judged, origins
from ml.segments import segments_of
from ml.since import fit_ahead, trainers_of
from ml.snapshots import Snapshots, feature_names, known_snapshots, read_snapshots
from ml.splits import Outcome
from ml.value.backtest import Backtest
from ml.value.baselines import baselines, fit_historical_average
from ml.value.fallback import expect
from ml.value.interval import historical_quantiles
from ml.value.labels import TARGETS, net_spend, orders
from ml.value.model import Prediction, ValueModel
from ml.value.recipe import Trainer, too_little

SAMPLE = 2000
"""Customers whose Shapley values draw the curves of dependence."""
BACKTEST_DATES = 3
"""On how many of the newest dates a training is judged; each costs a training."""


@dataclass(frozen=True)
class TrainingPlan:
    """What the caller decides: the as-of, the horizon, and the limits."""

    as_of: date
    outcome: Outcome
    backtest_dates: int | None = BACKTEST_DATES
    """None: all at which enough was known."""
    without: frozenset[str] = frozenset()
    """Features that are left out, to see what they are worth."""
    max_rows: int = 2_000_000
    seed: int = 7
    recipe: Recipe = field(default_factory=Recipe)
    recipe_since: date | None = None
    """From when on the recipe could have been known; models of earlier dates grow by the defaults."""


@dataclass(frozen=True)
class TrainingResult:
    """A model, the models of its backtest by date, and how those did."""

    model: ValueModel
    backtest_models: dict[date, ValueModel]
    backtest: Backtest
    reference: Reference
    """What drift is told from later."""
    levels: dict[date, tuple[float, float, float]]
    """By snapshot: what was spent without plays, the final model's own sum, and the forecast that it is moved to (NaN:
    none)."""
    dependences: tuple[Dependence, ...]
    """How expected spend depends on the features that move it most."""
    rows: int
    customers: int
    data_hash: str
    plays: str | None = None
    """What the arms tell of the effects of our plays; None where none was decided."""

    def save(self, folder: Path) -> Path:
        """``<folder>`` is the model that serves, ``<folder>/backtest/<date>`` those to judge a later challenger by."""
        self.model.save(folder)
        for day, model in self.backtest_models.items():
            model.save(folder / "backtest" / day.isoformat())
        self.reference.save(folder)
        return folder


@dataclass(frozen=True)
class TooLittleData:
    """Nothing can be learned yet; ``reason`` says why. The fallback (``ml.value.fallback``) speaks instead."""

    reason: str
    customers: int


def train(
    features: Path,
    labels: Path,
    plan: TrainingPlan,
    engine: Engine,
    *,
    orders: OrderFiles | None = None,
    champion_folder: Path | None = None,
) -> TrainingResult | TooLittleData:
    """Read, backtest, and train the model that serves. The same bytes for any number of threads.

    ``orders`` are what the classical baseline is fitted on and hindsight looks back by, where the shop has them.
    """
    data = teaching(features, labels, plan, engine)
    if problem := too_little(data):
        return TooLittleData(problem, data.customers)
    trainer = Trainer(data, plan.outcome, plan.recipe, plan.seed, engine.threads, orders)
    with one_blas_thread():
        trainer.fit_ahead([data])
        models, backtest = backtested(trainer, plan, champion_folder)
        model = trainer.model_at(data, plan.as_of)
    return TrainingResult(
        model=model,
        backtest_models=models,
        backtest=backtest,
        reference=_reference(trainer, model, backtest, plan.as_of),
        levels=_levels(model, trainer.untreated(data), engine.threads),
        dependences=_dependences(model, data.some_of_newest(SAMPLE)),
        rows=len(data),
        customers=data.customers,
        data_hash=data.content_hash,
        plays=trainer.said_of_plays(data),
    )


def teaching(features: Path, labels: Path, plan: TrainingPlan, engine: Engine) -> Snapshots:
    """The snapshots whose outcome is known at the plan's as-of."""
    dates = plan.outcome.known_at(tuple(known_snapshots(labels, engine, TARGETS)), plan.as_of)
    names = tuple(name for name in feature_names(features) if name not in plan.without)
    return read_snapshots(features, labels, names, dates, engine, max_rows=plan.max_rows, targets=TARGETS)


def _dependences(model: ValueModel, X: NDArray[np.float32]) -> tuple[Dependence, ...]:
    added = np.zeros((X.shape[1] + 1, len(X)))
    columns, shares = np.ascontiguousarray(X.T), model.spend.shares
    if shares.linear < 1:
        model.spend.trees.add_explained(added, columns)
        added *= (1 - shares.linear) * (1 - shares.base)
    if shares.linear > 0:
        model.spend.linear.add_explained(added, columns, shares.linear * (1 - shares.base))
    return dependences(X, added[:-1], model.names)


def _levels(model: ValueModel, data: Snapshots, threads: int) -> dict[date, tuple[float, float, float]]:
    found = {}
    for day in data.dates:
        rows = data.at([day])
        forecast = model.spend.forecast(day, float(model.spend.hint(rows.X, rows.names).sum()))
        own = float(model.spend.own(rows.X, rows.names, threads).sum())
        found[day] = (float(net_spend(rows).sum()), own, float("nan") if forecast is None else forecast)
    return found


def backtested(
    trainer: Trainer, plan: TrainingPlan, champion_folder: Path | None = None
) -> tuple[dict[date, ValueModel], Backtest]:
    """The model of each date and what all models said of it."""
    data = trainer.untreated(trainer.data)
    rolled = origins(data, plan.outcome, too_little, most=plan.backtest_dates)
    judging = rolled or [by_customers(data, JUDGED_FOLD)]
    own = trainers_of(trainer, [origin.date for origin in judging], plan.recipe_since)
    fit_ahead(own, {origin.date: origin.known for origin in judging})
    models = {origin.date: own[origin.date].model_at(origin.known, origin.date) for origin in judging}
    predicted = [predicted_at(models[origin.date], origin, trainer.threads) for origin in judging]
    histories = trainer.orders.histories if trainer.orders else None
    horizon = plan.outcome.horizon_days
    said = [
        {
            "model": own.spend,
            **baselines(models[origin.date], origin, horizon, histories),
            FALLBACK: _by_fallback(origin, horizon, models[origin.date].returned_share),
        }
        for origin, own in zip(judging, predicted, strict=True)
    ]
    unfit = let_champion_speak(
        champion_folder,
        judging,
        said,
        plan.outcome,
        ValueModel.load,
        lambda model, origin: predicted_at(model, origin, trainer.threads).spend,
    )
    rows = judged([origin.test for origin in judging], [net_spend(origin.test) for origin in judging], said)
    ordered = np.concatenate([orders(origin.test) for origin in judging])
    return models, Backtest(
        judged=rows,
        kind="time" if rolled else "customers",
        metrics={name: evaluate(own.y, own.said[name]) for name in rows.said for own in [rows.where(name)]},
        segments=segments_of([origin.test for origin in judging]),
        orders=evaluate(ordered, np.concatenate([own.orders for own in predicted])),
        low=np.concatenate([own.low for own in predicted]),
        high=np.concatenate([own.high for own in predicted]),
        history=_by_history(judging, horizon),
        factors={origin.date: own.factor for origin, own in zip(judging, predicted, strict=True)},
        champion_unfit=unfit,
    )


def _by_fallback(origin: Origin, horizon_days: int, returned_share: float) -> Floats:
    """Spend of the customers judged by what would have spoken at the date without a model."""
    return expect(origin.test.X, origin.test.names, horizon_days, returned_share=returned_share).spend


def _by_history(judging: Sequence[Origin], horizon_days: int) -> tuple[Floats, Floats]:
    """Ends of the intervals of the customers judged by what those ended with who had spent alike before."""
    found = []
    for origin in judging:
        average = fit_historical_average(origin.known.X, origin.known.names)
        known, test = (average.predict(rows.X, rows.names, horizon_days)[0] for rows in (origin.known, origin.test))
        found.append(historical_quantiles(known, net_spend(origin.known), test))
    low, high = zip(*found, strict=True)
    return np.concatenate(low), np.concatenate(high)


def predicted_at(model: ValueModel, origin: Origin, threads: int) -> Prediction:
    """What a model expects of the customers of a date, at its level."""
    return model.predict(origin.test.X, origin.test.names, origin.date, threads=threads)


def _reference(trainer: Trainer, model: ValueModel, backtest: Backtest, as_of: date) -> Reference:
    """Scores that the model itself gives the newest date, beside how its backtest did on it."""
    day = backtest.dates[-1]
    newest, rows = trainer.data.at([day]), backtest.judged.at(day)
    spread = times_the_mean(model.predict(newest.X, newest.names, day, threads=trainer.threads).spend)
    found = judge_amounts(rows.y, rows.said["model"], seed=trainer.seed)
    gains = model.spend.trees.gains()
    return reference_of(trainer.data, gains, as_of=as_of, backtest_date=day, spread=spread, judged=found)
