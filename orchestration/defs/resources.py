"""The resources that assets ask for by name."""

import dagster as dg

from orchestration.resources import dbt
from orchestration.workspace import Workspace


@dg.definitions
def defs() -> dg.Definitions:
    workspace = Workspace()
    return dg.Definitions(
        resources={"workspace": workspace, "dbt": dbt.resource(workspace)},
        executor=dg.in_process_executor,
    )
