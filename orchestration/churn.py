"""The churn stage: what trains, what the gate decides, who scores.

Belongs here: the shop's settings and the run's inputs in the terms of ``ml``. Does not belong here: models, gates
and the registry themselves.
"""

from __future__ import annotations

import time
from datetime import date
from typing import TYPE_CHECKING, Any

from orchestration.inputs import Inputs
from orchestration.models import Trained, defence, outcome, registered, scorer, silenced
from orchestration.snapshots import reading_engine, snapshot_folder
from orchestration.tuned import known_since, recipe_for
from orchestration.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from ml.btyd.expectations import OrderFiles
    from ml.churn.training import Sources, TooLittleData, TrainingPlan, TrainingResult
    from ml.survival.lifetimes import Lifetimes


def training_plan(workspace: Workspace, inputs: Inputs) -> TrainingPlan:
    """What churn means in the shop, as models are trained on it."""
    from ml.churn.rules import RULES
    from ml.churn.training import TrainingPlan

    return TrainingPlan(
        as_of=date.fromisoformat(inputs.as_of_date),
        outcome=outcome(workspace),
        rule=RULES[workspace.shop.churn.mode],
        expectation=_expectation(workspace),
        recipe=recipe_for(workspace.shop.folder, "churn", date.fromisoformat(inputs.as_of_date)),
        recipe_since=known_since(workspace.shop.folder, "churn"),
    )


def _expectation(workspace: Workspace) -> str | None:
    """What the model of repeat purchase says of churn, in a shop where that is told from orders."""
    from ml.btyd.expectations import INACTIVE

    return INACTIVE if workspace.shop.churn.touchpoint == "orders" else None


def train_on(
    workspace: Workspace, inputs: Inputs, plan: TrainingPlan, *, champion_folder: Path | None = None
) -> TrainingResult | TooLittleData:
    """Train on the snapshots of these inputs."""
    from ml.churn.training import train

    return train(sources(workspace, inputs), plan, reading_engine(workspace), champion_folder=champion_folder)


def sources(workspace: Workspace, inputs: Inputs) -> Sources:
    """The files of the run's snapshots."""
    from ml.churn.training import Sources

    folder = snapshot_folder(workspace, inputs)
    return Sources(
        features=folder / "customer_features.parquet",
        labels=folder / "customer_labels.parquet",
        orders=_order_files(workspace, inputs),
    )


def _order_files(workspace: Workspace, inputs: Inputs) -> OrderFiles | None:
    """What models of repeat purchase are fitted on, for a shop whose churn is told from orders."""
    from ml.btyd.expectations import OrderFiles

    return OrderFiles.of(snapshot_folder(workspace, inputs)) if workspace.shop.churn.touchpoint == "orders" else None


def train_challenger(workspace: Workspace, inputs: Inputs) -> Trained:
    """Train on every finished snapshot, hold the challenger against the champion, register it."""
    from ml.churn.record import record
    from ml.churn.training import TooLittleData
    from ml.promotion import decide

    began = time.time()
    (champion, unfit), plan = defence(workspace, inputs, "churn"), training_plan(workspace, inputs)
    result = train_on(workspace, inputs, plan, champion_folder=champion)
    if isinstance(result, TooLittleData):
        words = f"too little data: {result.reason}; the fallback scores"
        return Trained(False, words, {"customers": result.customers}, {})
    backtest = result.backtest
    decision = decide(
        backtest.y,
        backtest.probabilities,
        seed=plan.seed,
        champion_unfit=unfit or backtest.champion_unfit,
        baseline=plan.rule.name,
        customers=backtest.judged.customers,
        segments=backtest.segments,
    )
    return registered(
        workspace, inputs, "churn", decision, lambda model, tags: record(result, plan, model, tags), began=began
    )


def score(workspace: Workspace, inputs: Inputs) -> dict[str, Any]:
    """Score every customer of the as-of with the champion, or with the fallback where none may speak."""
    from ml.churn import scoring
    from ml.churn.rules import RULES

    folder, churn = snapshot_folder(workspace, inputs), workspace.shop.churn
    model = scorer(workspace, inputs, "churn")
    summary = scoring.score(
        folder / "customer_features.parquet",
        folder / "customer_labels.parquet",
        workspace.state.scores / inputs.inputs_id / "churn_scores.parquet",
        scoring.ScoringPlan(
            date.fromisoformat(inputs.as_of_date),
            outcome(workspace),
            churn.active_days,
            rule=RULES[churn.mode],
            expectation=_expectation(workspace),
        ),
        reading_engine(workspace),
        model_folder=model.folder if model else None,
        model_version=model.spoken if model else None,
        lifetimes=_lifetimes(workspace, inputs, model.folder if model else None),
    )
    why = [one for one in (silenced(workspace, inputs, "churn"), summary.why_fallback) if one]
    return {
        "dagster/row_count": summary.rows,
        "model": summary.model_version,
        **({"why this fallback": "; ".join(why)} if why else {}),
        "mean probability": summary.mean_probability,
        **{f"status {name}": count for name, count in summary.statuses.items()},
        **{f"band {name}": count for name, count in summary.bands.items()},
    }


def _lifetimes(workspace: Workspace, inputs: Inputs, model_folder: Path | None) -> Lifetimes | None:
    """Who tells how long customers remain: the champion's hazards of contracts, or the model of repeat purchase."""
    from ml.churn.training import LIFETIMES
    from ml.survival.contracts import ContractLifetimes
    from ml.survival.lifetimes import order_lifetimes

    if files := _order_files(workspace, inputs):
        return order_lifetimes(files, date.fromisoformat(inputs.as_of_date), workspace.shop.churn.horizon_days)
    if model_folder and (model_folder / LIFETIMES).exists():
        return ContractLifetimes.load(model_folder / LIFETIMES)
    return None
