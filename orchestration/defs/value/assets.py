"""``ml/value_*``: the model that the gate let pass, what everybody is expected to bring, the watch over both."""

import dagster as dg

from orchestration import inputs, value
from orchestration.drift_asset import drift_asset
from orchestration.jobs import take_turn
from orchestration.model_asset import model_asset
from orchestration.partitions import per_as_of
from orchestration.watched import VALUE
from orchestration.workspace import Workspace


@dg.definitions
def defs() -> dg.Definitions:
    common = per_as_of("value")

    value_model = model_asset(
        "value_model",
        "value",
        "A challenger, trained on all finished snapshots; champion if the gate lets it pass.",
        deps=[["ml", "snapshots"]],
        kinds={"lightgbm", "mlflow"},
        train=value.train_challenger,
    )

    @dg.asset(
        key=["ml", "value_scores"],
        description="Expected orders, spend, margin and date of the next order for everybody with activity.",
        deps=[["ml", "snapshots"], ["ml", "value_model"]],
        kinds={"lightgbm", "parquet"},
        **common,
    )
    def value_scores(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        take_turn(workspace, context.run_id)
        pinned = inputs.pinned(workspace.state, context.partition_key)
        scored = value.score(workspace, pinned)
        if why := scored.get("why this fallback"):
            context.log.info(f"{scored['model']} values: {why}")
        return dg.MaterializeResult(metadata=scored)

    return dg.Definitions(assets=[value_model, value_scores, drift_asset(VALUE, "value")])
