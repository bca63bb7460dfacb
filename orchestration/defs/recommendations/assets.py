"""``ml/recommender``, ``ml/recommendations``, ``ml/item_neighbours``: weights, lists, and what goes with what."""

import dagster as dg

from orchestration import inputs, recommendations
from orchestration.jobs import POOL, take_turn
from orchestration.model_asset import model_asset
from orchestration.partitions import per_as_of
from orchestration.workspace import Workspace


@dg.definitions
def defs() -> dg.Definitions:
    common = per_as_of("recommendations")

    @dg.asset(
        key=["ml", "interactions"],
        description="What people did with which items, as known at the run's as-of and those before it, as files.",
        deps=[["features", table] for table in recommendations.FILES],
        kinds={"duckdb", "parquet"},
        pool=POOL,
        **common,
    )
    def interactions(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        take_turn(workspace, context.run_id)
        pinned = inputs.pinned(workspace.state, context.partition_key)
        return dg.MaterializeResult(metadata=recommendations.export_interactions(workspace, pinned))

    recommender = model_asset(
        "recommender",
        "recommendations",
        "How much each candidate generator counts; champion if the gate lets it pass.",
        deps=[["ml", "interactions"]],
        kinds={"scipy", "mlflow"},
        train=recommendations.train_challenger,
    )

    @dg.asset(
        key=["ml", "recommendations"],
        description="A list for everybody with activity, each row with its reason, id and propensity.",
        deps=[["ml", "interactions"], ["ml", "recommender"]],
        kinds={"scipy", "parquet"},
        **common,
    )
    def lists(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        take_turn(workspace, context.run_id)
        pinned = inputs.pinned(workspace.state, context.partition_key)
        return dg.MaterializeResult(metadata=recommendations.recommend(workspace, pinned))

    @dg.asset(
        key=["ml", "item_neighbours"],
        description="What is bought together with each item.",
        deps=[["ml", "interactions"]],
        kinds={"scipy", "parquet"},
        **common,
    )
    def neighbours(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        take_turn(workspace, context.run_id)
        pinned = inputs.pinned(workspace.state, context.partition_key)
        return dg.MaterializeResult(metadata=recommendations.find_neighbours(workspace, pinned))

    return dg.Definitions(assets=[interactions, recommender, lists, neighbours])
