"""``published/withdrawals``: consents withdrawn and erasure asked for since the published as-of, in force at once."""

import dagster as dg

from orchestration.jobs import take_turn
from orchestration.partitions import owners
from orchestration.withdrawals import follow_withdrawals
from orchestration.workspace import Workspace


@dg.definitions
def defs() -> dg.Definitions:
    @dg.asset(
        key=["published", "withdrawals"],
        description="Consents withdrawn and erasure asked for since the published as-of, in force in every view.",
        deps=[["raw", "consents"], ["raw", "erasure_requests"]],
        group_name="activation",
        owners=owners(Workspace().shop),
        kinds={"postgres", "parquet"},
        # Of what is ready after landing this is first: the run may be stopped at any moment.
        op_tags={"dagster/priority": "1"},
    )
    def withdrawals(context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]) -> dg.MaterializeResult:
        take_turn(workspace, context.run_id)
        return dg.MaterializeResult(metadata=follow_withdrawals(workspace))

    return dg.Definitions(assets=[withdrawals])
