"""``reports/run``: that a run came to its end."""

import dagster as dg

from orchestration import inputs
from orchestration.partitions import per_as_of
from orchestration.workspace import Workspace


@dg.definitions
def defs() -> dg.Definitions:
    @dg.asset(
        key=["reports", "run"],
        description="Marks the run's inputs as done: the next run for this as-of looks at what is new.",
        deps=[["published", "files"], ["published", "postgres"], ["ml", "churn_drift"], ["ml", "value_drift"]],
        kinds={"json"},
        **per_as_of("report"),
    )
    def run(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        pinned = inputs.pinned(workspace.state, context.partition_key)
        inputs.finish(workspace.state, pinned)
        return dg.MaterializeResult(metadata={"inputs_id": pinned.inputs_id, "as_of": pinned.as_of_date})

    return dg.Definitions(assets=[run])
