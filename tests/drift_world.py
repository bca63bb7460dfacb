"""A tiny shop at two as-ofs without Dagster or dbt: a champion trained at the first, scores, and what then happened.

Belongs here: the world that tests of drift share. Does not belong here: assertions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from worlds import corner_shop

from ml import registry
from ml.booster import Recipe
from ml.churn.record import record
from ml.churn.scoring import ScoringPlan, score
from ml.churn.training import Sources, TrainingPlan, TrainingResult, train
from ml.engine import Engine
from ml.promotion import Decision
from ml.splits import Outcome
from orchestration import inputs
from orchestration.inputs import Inputs
from orchestration.snapshots import snapshot_folder
from orchestration.workspace import Workspace

CUSTOMERS = 300
OUTCOME = Outcome(horizon_days=30, label_delay_days=5)
TRAINED, LATER = date(2025, 3, 1), date(2025, 6, 1)
ENGINE = Engine(threads=1)


@dataclass(frozen=True)
class Drifting:
    """A workspace whose churn model was trained, and scored, at ``TRAINED``."""

    workspace: Workspace
    outcomes: pd.DataFrame
    """``customer_id``, ``has_churned`` in the horizon after ``TRAINED``."""

    def scored_at(self, as_of: date, *, shift: float = 0.0, model: bool = True) -> Inputs:
        """A run that scores: customers of the as-of, longer silent by ``shift`` days, pinned and scored."""
        state = self.workspace.state
        champion = registry.champion(state.mlflow, "corner") if model else None
        pinned = self._pin(as_of)
        write_snapshots(snapshot_folder(self.workspace, pinned), [as_of], as_of, shift)
        self._score(pinned, champion)
        return pinned

    def _pin(self, as_of: date, *training: date) -> Inputs:
        return inputs.pin(self.workspace.state, self.workspace.shop, as_of, training_dates=training, champions={})

    def _score(self, pinned: Inputs, champion: registry.Version | None) -> None:
        folder = snapshot_folder(self.workspace, pinned)
        score(
            folder / "customer_features.parquet",
            folder / "customer_labels.parquet",
            self.workspace.state.scores / pinned.inputs_id / "churn_scores.parquet",
            ScoringPlan(date.fromisoformat(pinned.as_of_date), OUTCOME, active_days=365),
            ENGINE,
            model_folder=champion.folder if champion else None,
            model_version=champion.spoken if champion else None,
        )


def drifting_shop(folder: Path) -> tuple[Drifting, Inputs]:
    """The shop after its training run, and that run's inputs."""
    workspace = corner_shop(folder, "", churn={"horizon_days": 30, "label_delay_days": 5}).workspace
    workspace.state.prepare()
    newest = TRAINED - timedelta(OUTCOME.known_after_days)
    days = [newest - timedelta(30 * k) for k in range(5)]
    happened = _happened(TRAINED)
    shop = Drifting(workspace, happened)
    pinned = shop._pin(TRAINED, *days)
    snapshots = snapshot_folder(workspace, pinned)
    write_snapshots(snapshots, [*sorted(days), TRAINED], TRAINED)
    plan = TrainingPlan(TRAINED, OUTCOME, recipe=Recipe(rounds=20))
    sources = Sources(snapshots / "customer_features.parquet", snapshots / "customer_labels.parquet")
    result = train(sources, plan, ENGINE)
    assert isinstance(result, TrainingResult)
    training = replace(record(result, plan, folder / "model", {}), pictures={})
    registry.register(workspace.state.mlflow, "corner", training, Decision(True, ("first",)))
    shop._score(pinned, registry.champion(workspace.state.mlflow, "corner"))
    write_warehouse(workspace.state.warehouse, happened)
    return shop, pinned


def customers(day: date, shift: float = 0.0) -> pd.DataFrame:
    """P(churn) = expit(recency / 30 - orders), drawn anew at every as-of."""
    rng = np.random.default_rng(day.toordinal())
    recency, orders = rng.integers(1, 120, CUSTOMERS) + shift, rng.poisson(2.0, CUSTOMERS)
    p = 1 / (1 + np.exp(-(recency / 30 - orders)))
    return pd.DataFrame({
        "as_of_date": day, "customer_id": [f"c_{n:05d}" for n in range(CUSTOMERS)],
        "days_since_last_order": recency.astype(float), "orders_90d": orders.astype(float),
        "noise": rng.normal(size=CUSTOMERS), "has_churned": rng.random(CUSTOMERS) < p,
    })  # fmt: skip


def write_snapshots(folder: Path, days: list[date], as_of: date, shift: float = 0.0) -> None:
    """Features and labels of the as-ofs; the newest one's outcome is not known yet."""
    world = pd.concat([customers(day, shift) for day in days]).assign(
        is_eligible=True, is_profiled=True, status_if_not_eligible=None
    )
    world["has_churned"] = world["has_churned"].astype("boolean").mask(world["as_of_date"] == as_of)
    labels = ["as_of_date", "customer_id", "is_eligible", "is_profiled", "status_if_not_eligible", "has_churned"]
    folder.mkdir(parents=True, exist_ok=True)
    world[labels].to_parquet(folder / "customer_labels.parquet", index=False)
    features = world.drop(columns=labels[2:])
    features.to_parquet(folder / "customer_features.parquet", index=False)


def write_warehouse(path: Path, happened: pd.DataFrame, *, landed_until: date = LATER) -> None:
    """What outcomes are read from: whoever stayed ordered ten days after ``TRAINED``, a stranger up to the end."""
    path.unlink(missing_ok=True)
    stayed = happened.loc[~happened["has_churned"], "customer_id"]
    with duckdb.connect(str(path)) as warehouse:
        warehouse.execute("create schema identity; create schema marts")
        warehouse.register("customers", happened)
        warehouse.execute(
            "create table identity.customer_ledger as "
            "select customer_id, 'account:' || customer_id as identifier_id from customers"
        )
        warehouse.execute(
            "create table identity.person_spans as select *, timestamp '2000-01-01' as known_from, "
            "timestamp '9999-12-31' as known_to from identity.customer_ledger"
        )
        warehouse.execute(
            "create table identity.redirects as select customer_id, customer_id as surviving_customer_id, "
            "known_from, known_to from identity.person_spans limit 0"
        )
        warehouse.register("stayed", stayed.to_frame())
        warehouse.execute(
            f"""create table marts.fct_order_lines as
            select 'account:' || customer_id as identifier_id, timestamp '{TRAINED + timedelta(10)}' as occurred_at,
                1 as line_change from stayed
            union all select 'account:nobody', timestamp '{landed_until}', 1"""
        )


def _happened(day: date) -> pd.DataFrame:
    return customers(day)[["customer_id", "has_churned"]]
