"""Facts, permissions, profiles and features: one dbt build over the pinned inputs."""

import dagster as dg

from orchestration.resources import dbt


@dg.definitions
def defs() -> dg.Definitions:
    models = dbt.stage(
        "profiles",
        select="intermediate marts features",
        exclude=" ".join(dbt.IDENTITY_MODELS),
    )
    return dg.Definitions(assets=[models])
