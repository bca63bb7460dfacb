"""``ml/value_*``: the model that the gate let pass, and what everybody is expected to bring."""

import dagster as dg

from orchestration import inputs, value
from orchestration.metadata import figure_metadata
from orchestration.partitions import per_as_of
from orchestration.workspace import Workspace


@dg.definitions
def defs() -> dg.Definitions:
    common = per_as_of("value")

    @dg.asset(
        key=["ml", "value_model"],
        description="A challenger, trained on all finished snapshots; champion if the gate lets it pass.",
        deps=[["ml", "snapshots"]],
        check_specs=[
            dg.AssetCheckSpec(
                "champion_gate",
                asset=["ml", "value_model"],
                description="Whether the challenger became champion, with the numbers that decided.",
            )
        ],
        kinds={"lightgbm", "mlflow"},
        **common,
    )
    def value_model(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        workspace.claim(f"run {context.run_id}")
        pinned = inputs.pinned(workspace.state, context.partition_key)
        trained = value.train_challenger(workspace, pinned)
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
        key=["ml", "value_scores"],
        description="Expected orders, spend, margin and date of the next order for everybody with activity.",
        deps=[["ml", "snapshots"], ["ml", "value_model"]],
        kinds={"lightgbm", "parquet"},
        **common,
    )
    def value_scores(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        workspace.claim(f"run {context.run_id}")
        pinned = inputs.pinned(workspace.state, context.partition_key)
        return dg.MaterializeResult(metadata=value.score(workspace, pinned))

    return dg.Definitions(assets=[value_model, value_scores])
