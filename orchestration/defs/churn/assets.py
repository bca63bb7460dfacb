"""``ml/churn_*``: the model that the gate let pass, the scores of everybody, the watch over both."""

import dagster as dg

from orchestration import churn, inputs
from orchestration.drift_asset import drift_asset
from orchestration.jobs import take_turn
from orchestration.model_asset import model_asset
from orchestration.partitions import per_as_of
from orchestration.watched import CHURN
from orchestration.workspace import Workspace


@dg.definitions
def defs() -> dg.Definitions:
    common = per_as_of("churn")

    churn_model = model_asset(
        "churn_model",
        "churn",
        "A challenger, trained on all finished snapshots; champion if the gate lets it pass.",
        deps=[["ml", "snapshots"]],
        kinds={"lightgbm", "mlflow"},
        train=churn.train_challenger,
    )

    @dg.asset(
        key=["ml", "churn_scores"],
        description="Churn probability, rank, band and three reasons for everybody with activity.",
        deps=[["ml", "snapshots"], ["ml", "churn_model"]],
        kinds={"lightgbm", "parquet"},
        **common,
    )
    def churn_scores(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        take_turn(workspace, context.run_id)
        pinned = inputs.pinned(workspace.state, context.partition_key)
        scored = churn.score(workspace, pinned)
        if why := scored.get("why this fallback"):
            context.log.info(f"{scored['model']} scores: {why}")
        return dg.MaterializeResult(metadata=scored)

    return dg.Definitions(assets=[churn_model, churn_scores, drift_asset(CHURN, "churn")])
