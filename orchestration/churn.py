"""The churn stage: which snapshots train, what the gate decides, who scores.

Belongs here: the shop's settings and the run's inputs in the terms of ``ml``. Does not belong here: models, gates
and the registry themselves.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ml import registry
from ml.churn.snapshots import Engine
from ml.splits import Outcome, snapshot_dates
from orchestration.files import copy_atomically
from orchestration.inputs import Inputs
from orchestration.jobs import TRAINING_TAG
from orchestration.landing import batches
from orchestration.workspace import Workspace


@dataclass(frozen=True)
class Trained:
    """What training ended with, for the asset and its check."""

    is_champion: bool
    decision: str
    metadata: dict[str, Any]
    figures: Mapping[str, Any]


def is_training_due(tags: Mapping[str, str]) -> bool:
    """Whether the run trains, by its tag."""
    return tags.get(TRAINING_TAG) == "true"


def training_dates(workspace: Workspace, as_of_date: date) -> tuple[date, ...]:
    """As-ofs whose outcome is known at this one, back to the shop's first activity."""
    churn = workspace.shop.churn
    first = min(
        (
            datetime.fromisoformat(batch.first_occurred_at).date()
            for batch in batches(workspace.state).get(churn.activity, [])
            if batch.first_occurred_at
        ),
        default=None,
    )
    return snapshot_dates(
        as_of_date,
        _outcome(workspace),
        step_days=churn.snapshot_step_days,
        count=churn.training_snapshots,
        first_date=first,
    )


def champion_version(workspace: Workspace) -> str | None:
    """The model that scores, such as ``demo.churn/3``; None before the first."""
    champion = registry.champion(workspace.state.mlflow, workspace.shop.slug)
    return champion.spoken if champion else None


def export_snapshots(workspace: Workspace, inputs: Inputs) -> dict[str, Any]:
    """Copy features and labels of the run's as-ofs out of the warehouse, in a total order."""
    rows = {}
    with workspace.warehouse() as warehouse:
        for table in ("customer_features", "customer_labels"):
            select = f"select * from features.{table} order by as_of_date, customer_id"
            rows[table] = copy_atomically(warehouse, select, _features(workspace, inputs) / f"{table}.parquet")
        by_date = warehouse.execute(
            "select as_of_date, count(*), avg(has_churned::integer) from features.customer_labels group by 1 order by 1"
        ).fetchall()
    return {
        "dagster/row_count": rows["customer_features"],
        "snapshots": [(day.isoformat(), count, rate) for day, count, rate in by_date],
    }


def train_challenger(workspace: Workspace, inputs: Inputs) -> Trained:
    """Train on every finished snapshot, hold the challenger against the champion, register it."""
    from ml.churn.record import record
    from ml.churn.training import TooLittleData, TrainingPlan, train
    from ml.promotion import decide

    state, folder = workspace.state, _features(workspace, inputs)
    plan = TrainingPlan(as_of=date.fromisoformat(inputs.as_of_date), outcome=_outcome(workspace))
    defender = _version(workspace, inputs.champion)
    result = train(
        folder / "customer_features.parquet",
        folder / "customer_labels.parquet",
        plan,
        _engine(workspace),
        champion_folder=defender.folder if defender else None,
    )
    if isinstance(result, TooLittleData):
        words = f"too little data: {result.reason}; the simple fallback scores"
        return Trained(False, words, {"customers": result.customers}, {})
    decision = decide(
        result.backtest.y, result.backtest.probabilities, seed=plan.seed, champion_unfit=result.backtest.champion_unfit
    )
    tags = {"inputs_id": inputs.inputs_id, "code": inputs.code}
    with tempfile.TemporaryDirectory(dir=state.temporary) as scratch:
        written = record(result, plan, Path(scratch) / "model", tags)
        version = registry.register(state.mlflow, workspace.shop.slug, written, decision)
    metrics = {name: round(value, 4) for name, value in written.metrics.items()}
    metadata = {"version": version.spoken, "mlflow_run": version.run_id, **metrics}
    return Trained(decision.is_promoted, decision.words, metadata, written.figures)


def score(workspace: Workspace, inputs: Inputs) -> dict[str, Any]:
    """Score every customer of the as-of with the champion, or with the fallback where there is none.

    A run that trains scores with the champion that its gate left; any other with the one that was pinned.
    """
    from ml.churn import scoring

    folder, churn = _features(workspace, inputs), workspace.shop.churn
    model = (
        registry.champion(workspace.state.mlflow, workspace.shop.slug)
        if inputs.training_dates
        else _version(workspace, inputs.champion)
    )
    summary = scoring.score(
        folder / "customer_features.parquet",
        folder / "customer_labels.parquet",
        workspace.state.scores / inputs.inputs_id / "churn_scores.parquet",
        scoring.ScoringPlan(date.fromisoformat(inputs.as_of_date), _outcome(workspace), churn.active_days),
        _engine(workspace),
        model_folder=model.folder if model else None,
        model_version=model.spoken if model else None,
    )
    return {
        "dagster/row_count": summary.rows,
        "model": summary.model_version,
        "mean probability": summary.mean_probability,
        **{f"status {name}": count for name, count in summary.statuses.items()},
        **{f"band {name}": count for name, count in summary.bands.items()},
    }


def _version(workspace: Workspace, spoken: str | None) -> registry.Version | None:
    return registry.version(workspace.state.mlflow, spoken) if spoken else None


def _outcome(workspace: Workspace) -> Outcome:
    return Outcome(workspace.shop.churn.horizon_days, workspace.shop.churn.label_delay_days)


def _features(workspace: Workspace, inputs: Inputs) -> Path:
    return workspace.state.features / inputs.inputs_id


def _engine(workspace: Workspace) -> Engine:
    settings = workspace.settings
    return Engine(settings.threads, settings.memory_limit, workspace.state.temporary)
