"""Facts, permissions, profiles and features: one dbt build over the pinned inputs; then the snapshots as files."""

import dagster as dg

from orchestration import inputs
from orchestration.jobs import POOL, take_turn
from orchestration.partitions import per_as_of
from orchestration.resources import dbt
from orchestration.snapshots import FILES, export_snapshots
from orchestration.workspace import Workspace


@dg.definitions
def defs() -> dg.Definitions:
    models = dbt.stage(
        "profiles",
        select="intermediate marts features",
        exclude=" ".join(dbt.IDENTITY_MODELS),
    )

    @dg.asset(
        key=["ml", "snapshots"],
        description="Features and labels of every as-of of the run, as files that models read.",
        deps=[["features", table] for table in FILES],
        kinds={"duckdb", "parquet"},
        pool=POOL,
        **per_as_of("profiles"),
    )
    def snapshots(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        take_turn(workspace, context.run_id)
        pinned = inputs.pinned(workspace.state, context.partition_key)
        return dg.MaterializeResult(metadata=export_snapshots(workspace, pinned))

    return dg.Definitions(assets=[models, snapshots])
