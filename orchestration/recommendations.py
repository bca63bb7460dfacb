"""The recommendations stage: files that recommenders read, what trains, what the gate decides, who gets which list.

Belongs here: the shop's settings and the run's inputs in the terms of ``ml.recommender``. Does not belong here:
generators, rules, lists, the gate and the registry themselves.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.files import copy_atomically
from orchestration.inputs import Inputs, pinned, recommender_dates
from orchestration.models import Trained, defender, registered, scorer
from orchestration.snapshots import reading_engine, snapshot_folder
from orchestration.state import StateError
from orchestration.workspace import Workspace

if TYPE_CHECKING:
    from ml.recommender.data import World
    from ml.recommender.lists import Shape
    from ml.recommender.model import RecommenderModel
    from ml.recommender.rules import Mode
    from ml.recommender.training import TrainingPlan

FILES = {
    "recommender_answers": "as_of_date, customer_id, recommendation_id, product_id",
    "recommender_catalogue": "as_of_date, product_id",
    "recommender_customers": "as_of_date, customer_id",
    "recommender_interactions": "as_of_date, customer_id, product_id, age_days",
    "recommender_outcomes": "as_of_date, customer_id, product_id",
    "recommender_preferences": "as_of_date, customer_id, attribute, value",
}
"""Tables of schema ``features`` that are exported, and the order of their rows."""
FLOORS = ("popularity", "personal_popularity")


def export_interactions(workspace: Workspace, inputs: Inputs) -> dict[str, Any]:
    """Copy what recommenders read out of the warehouse, in a total order."""
    folder = snapshot_folder(workspace, inputs)
    with workspace.warehouse() as warehouse:
        rows = {
            table: copy_atomically(
                warehouse, f"select * from features.{table} order by {order}", folder / f"{table}.parquet"
            )
            for table, order in FILES.items()
        }
    counts = {table.removeprefix("recommender_"): count for table, count in rows.items()}
    return {"dagster/row_count": counts.pop("interactions"), **counts}


def training_plan(workspace: Workspace, inputs: Inputs) -> TrainingPlan | None:
    """When the recommender learns and is judged, and what the shop asks of it; None with too little history."""
    from ml.recommender.training import TrainingPlan

    settings, dates = workspace.shop.recommendations, recommender_dates(workspace.shop, inputs)
    if not dates:
        return None
    return TrainingPlan(
        as_of=date.fromisoformat(inputs.as_of_date),
        taught_at=dates[:-1],
        judged_at=dates[-1],
        horizon_days=settings.horizon_days,
        mode=asked_mode(workspace),
        time_budget=settings.time_budget_seconds,
        shape=list_shape(workspace, inputs),
        logged=_lists_of(workspace, dates[-1]),
    )


def train_challenger(workspace: Workspace, inputs: Inputs) -> Trained:
    """Weigh the generators at an earlier split, hold them against champion and popularity at the later one."""
    from ml.recommender.gate import decide
    from ml.recommender.record import record
    from ml.recommender.training import TooLittleData, train

    began = time.time()
    plan = training_plan(workspace, inputs)
    if plan is None:
        return Trained(False, "too little history to train on; every generator counts the same", {}, {})
    champion = defender(workspace, inputs, "recommender")
    result = train(
        snapshot_folder(workspace, inputs),
        plan,
        reading_engine(workspace),
        champion_folder=champion.folder if champion else None,
    )
    if isinstance(result, TooLittleData):
        words = f"too little data: {result.reason}; every generator counts the same"
        return Trained(False, words, {"customers": result.customers}, {})
    recalls = {method: hits.recall(10) for method, hits in result.backtest.hits.items()}
    decision = decide(
        recalls,
        floors=FLOORS,
        seed=plan.seed,
        champion_unfit=result.champion_unfit,
        groups=result.backtest.segments,
        shapes=_compared_shapes(result.backtest.shapes),
    )
    return registered(
        workspace,
        inputs,
        "recommender",
        decision,
        lambda model, tags: record(result, plan, decision, model, tags),
        began=began,
    )


def _compared_shapes(shapes: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """What the gate looks at: of popularity coverage only, because a taste may be narrower than what sells best."""
    found = {name: dict(shape) for name, shape in shapes.items()}
    return {**found, "popularity": {"coverage": found["popularity"]["coverage"]}}


def recommend(workspace: Workspace, inputs: Inputs) -> dict[str, Any]:
    """Write everybody's list with the champion's weights, or with even ones where there is no champion."""
    from ml.recommender import recommend as lists
    from ml.recommender.data import World

    as_of, shop = date.fromisoformat(inputs.as_of_date), workspace.shop
    world = World(snapshot_folder(workspace, inputs), as_of, reading_engine(workspace))
    model, version = serving(workspace, inputs, world)
    summary = lists.recommend(
        world,
        model,
        version,
        lists.ListPlan(as_of, shop.slug, list_shape(workspace, inputs)),
        workspace.state.scores / inputs.inputs_id / "recommendations.parquet",
    )
    return {
        "dagster/row_count": summary.rows,
        "model": version,
        "rows that fill up": summary.fallback_rows,
        **{f"customers {arm}": count for arm, count in summary.customers.items()},
        **{f"source {name}": count for name, count in summary.sources.items()},
    }


def find_neighbours(workspace: Workspace, inputs: Inputs) -> dict[str, Any]:
    """Write what is bought together with each item."""
    from ml.recommender.data import World
    from ml.recommender.neighbours import write_neighbours

    as_of = date.fromisoformat(inputs.as_of_date)
    world = World(snapshot_folder(workspace, inputs), as_of, reading_engine(workspace))
    rows = write_neighbours(world, as_of, workspace.state.scores / inputs.inputs_id / "item_neighbours.parquet")
    return {"dagster/row_count": rows}


def _lists_of(workspace: Workspace, day: date) -> Path | None:
    """Lists that a run wrote for that as-of. They teach nothing and decide nothing, so they are not pinned."""
    try:
        inputs = pinned(workspace.state, day.isoformat())
    except StateError:
        return None
    path = workspace.state.scores / inputs.inputs_id / "recommendations.parquet"
    return path if path.exists() else None


def list_shape(workspace: Workspace, inputs: Inputs) -> Shape:
    """How the shop wants its lists."""
    from ml.recommender.lists import Shape

    settings = workspace.shop.recommendations
    return Shape(settings.list_length, settings.discovery_slots, settings.calibration, as_of=inputs.as_of_date)


def serving(workspace: Workspace, inputs: Inputs, world: World) -> tuple[RecommenderModel, str]:
    """The model that makes lists, and its version; every generator counts the same where there is no champion."""
    from ml.model import ModelFileError
    from ml.recommender.model import UNTRAINED, RecommenderModel

    version, asked = scorer(workspace, inputs, "recommender"), asked_mode(workspace)
    if version:
        with suppress(ModelFileError):  # until the next training: ``unreadable_champion``
            return RecommenderModel.load(version.folder).in_mode(asked), version.spoken
    return RecommenderModel.untrained(asked or "mixed", world), UNTRAINED


def asked_mode(workspace: Workspace) -> Mode | None:
    """What the shop wants its lists to hold; None where training decides by the shop's own data."""
    asked = workspace.shop.recommendations.mode
    return None if asked == "auto" else asked


def unreadable_champion(workspace: Workspace) -> str | None:
    """Why this release cannot read the champion, so that lists are made without one until it trains; None if it can."""
    from ml import registry
    from ml.model import ModelFileError
    from ml.recommender.model import RecommenderModel

    champion = registry.champion(workspace.state.mlflow, workspace.shop.slug, "recommender")
    if champion is None:
        return None
    try:
        RecommenderModel.load(champion.folder)
    except ModelFileError as error:
        return f"{champion.spoken} is of another release ({error})"
    return None
