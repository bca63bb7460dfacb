"""The value stage: what trains, what the gate decides, who scores.

Belongs here: the shop's settings and the run's inputs in the terms of ``ml``. Does not belong here: models, gates
and the registry themselves.
"""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.inputs import Inputs
from orchestration.models import Trained, defence, outcome, registered, scorer, silenced
from orchestration.snapshots import reading_engine, snapshot_folder
from orchestration.tuned import known_since, recipe_for
from orchestration.workspace import Workspace

if TYPE_CHECKING:
    from ml.value.training import TooLittleData, TrainingPlan, TrainingResult


def training_plan(workspace: Workspace, inputs: Inputs) -> TrainingPlan:
    """What value means in the shop, as models are trained on it."""
    from ml.value.training import TrainingPlan

    as_of = date.fromisoformat(inputs.as_of_date)
    folder = workspace.shop.folder
    recipe, since = recipe_for(folder, "value", as_of), known_since(folder, "value")
    return TrainingPlan(as_of=as_of, outcome=outcome(workspace), recipe=recipe, recipe_since=since)


def train_on(
    workspace: Workspace, inputs: Inputs, plan: TrainingPlan, *, champion_folder: Path | None = None
) -> TrainingResult | TooLittleData:
    """Train on the snapshots of these inputs."""
    from ml.btyd.expectations import OrderFiles
    from ml.value.training import train

    return train(
        *files(workspace, inputs),
        plan,
        reading_engine(workspace),
        orders=OrderFiles.of(snapshot_folder(workspace, inputs)),
        champion_folder=champion_folder,
    )


def files(workspace: Workspace, inputs: Inputs) -> tuple[Path, Path]:
    """Features and labels of the run's snapshots."""
    folder = snapshot_folder(workspace, inputs)
    return folder / "customer_features.parquet", folder / "customer_labels.parquet"


def train_challenger(workspace: Workspace, inputs: Inputs) -> Trained:
    """Train on every finished snapshot, hold the challenger against the champion, register it."""
    from ml.value.gate import decide
    from ml.value.record import record
    from ml.value.training import TooLittleData

    began = time.time()
    (champion, unfit), plan = defence(workspace, inputs, "value"), training_plan(workspace, inputs)
    result = train_on(workspace, inputs, plan, champion_folder=champion)
    if isinstance(result, TooLittleData):
        words = f"too little data: {result.reason}; the fallback speaks"
        return Trained(False, words, {"customers": result.customers}, {})
    backtest = result.backtest
    decision = decide(
        backtest.y,
        backtest.predictions,
        seed=plan.seed,
        champion_unfit=unfit or backtest.champion_unfit,
        customers=backtest.judged.customers,
        segments=backtest.segments,
    )
    return registered(
        workspace, inputs, "value", decision, lambda model, tags: record(result, plan, model, tags), began=began
    )


def score(workspace: Workspace, inputs: Inputs) -> dict[str, Any]:
    """Value every customer of the as-of with the champion, or by the fallback where none may speak."""
    from ml.value import scoring

    folder = snapshot_folder(workspace, inputs)
    model = scorer(workspace, inputs, "value")
    summary = scoring.score(
        scoring.Sources(
            folder / "customer_features.parquet",
            folder / "customer_labels.parquet",
            folder / "customer_margins.parquet",
            reading_engine(workspace),
        ),
        workspace.state.scores / inputs.inputs_id / "value_scores.parquet",
        scoring.ScoringPlan(date.fromisoformat(inputs.as_of_date), outcome(workspace)),
        model_folder=model.folder if model else None,
        model_version=model.spoken if model else None,
    )
    why = silenced(workspace, inputs, "value")
    return {
        "dagster/row_count": summary.rows,
        "model": summary.model_version,
        **({"why this fallback": why} if why else {}),
        "predicted total": round(summary.predicted_total, 2),
        "level factor": round(summary.level_factor, 4),
        **{f"status {name}": count for name, count in summary.statuses.items()},
    }
