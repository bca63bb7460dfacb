"""The ``crm`` tables, built by dbt from profiles and scores."""

import dagster as dg

from orchestration.resources import dbt


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(assets=[dbt.stage("activation", select="activation")])
