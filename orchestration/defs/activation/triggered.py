"""``published/triggered``: live plays for those whom new events touch, on the scores that are published."""

import dagster as dg

from orchestration.jobs import POOL, take_turn
from orchestration.partitions import owners
from orchestration.triggers import follow_events
from orchestration.workspace import Workspace


@dg.definitions
def defs() -> dg.Definitions:
    @dg.asset(
        key=["published", "triggered"],
        description="Live plays for those whom new events touch, published on the scores of the day.",
        # After the withdrawals: nobody is asked on a grant that has just gone.
        deps=[["raw", "events"], ["raw", "orders"], ["raw", "messages"], ["published", "withdrawals"]],
        group_name="activation",
        owners=owners(Workspace().shop),
        kinds={"postgres", "parquet"},
        pool=POOL,
    )
    def triggered(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        take_turn(workspace, context.run_id)
        return dg.MaterializeResult(metadata=follow_events(workspace, context.run_id))

    return dg.Definitions(assets=[triggered])
