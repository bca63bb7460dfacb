"""``ml/recommender``, ``ml/recommendations``, ``ml/item_neighbours``: weights, lists, and what goes with what."""

import dagster as dg

from orchestration import inputs, recommendations
from orchestration.metadata import figure_metadata
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
        pool="warehouse",
        **common,
    )
    def interactions(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        workspace.claim(f"run {context.run_id}")
        pinned = inputs.pinned(workspace.state, context.partition_key)
        return dg.MaterializeResult(metadata=recommendations.export_interactions(workspace, pinned))

    @dg.asset(
        key=["ml", "recommender"],
        description="How much each candidate generator counts; champion if the gate lets it pass.",
        deps=[["ml", "interactions"]],
        check_specs=[
            dg.AssetCheckSpec(
                "champion_gate",
                asset=["ml", "recommender"],
                description="Whether the challenger became champion, with the numbers that decided.",
            )
        ],
        kinds={"scipy", "mlflow"},
        **common,
    )
    def recommender(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        workspace.claim(f"run {context.run_id}")
        pinned = inputs.pinned(workspace.state, context.partition_key)
        trained = recommendations.train_challenger(workspace, pinned)
        return dg.MaterializeResult(
            metadata={**trained.metadata, **{name: figure_metadata(f) for name, f in trained.figures.items()}},
            check_results=[
                dg.AssetCheckResult(
                    check_name="champion_gate",
                    passed=trained.is_champion,
                    severity=dg.AssetCheckSeverity.WARN,
                    description=trained.decision,
                )
            ],
        )

    @dg.asset(
        key=["ml", "recommendations"],
        description="A list for everybody with activity, each row with its reason, id and propensity.",
        deps=[["ml", "interactions"], ["ml", "recommender"]],
        kinds={"scipy", "parquet"},
        **common,
    )
    def lists(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        workspace.claim(f"run {context.run_id}")
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
        workspace.claim(f"run {context.run_id}")
        pinned = inputs.pinned(workspace.state, context.partition_key)
        return dg.MaterializeResult(metadata=recommendations.find_neighbours(workspace, pinned))

    return dg.Definitions(assets=[interactions, recommender, lists, neighbours])
