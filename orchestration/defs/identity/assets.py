"""``identity/person_spans``: which person an identifier belonged to, over what was known when."""

from collections.abc import Iterator

import dagster as dg

from orchestration import inputs
from orchestration.identity import resolve_persons
from orchestration.jobs import POOL, take_turn
from orchestration.partitions import ONE_RUN_EACH, daily_as_ofs, owners
from orchestration.resources import dbt
from orchestration.workspace import Workspace

DESCRIPTIONS = {
    "person_spans": "Which person an identifier belonged to, over what was known when.",
    "customer_ledger": "Every customer id ever minted, append-only.",
}


@dg.definitions
def defs() -> dg.Definitions:
    @dg.multi_asset(
        name="persons",
        specs=[
            dg.AssetSpec(
                ["identity", name],
                description=description,
                deps=[["ledger", "input_manifest"], *(["intermediate", model] for model in dbt.IDENTITY_MODELS)],
                group_name="identity",
                kinds={"python", "parquet"},
                owners=owners(Workspace().shop),
            )
            for name, description in DESCRIPTIONS.items()
        ],
        partitions_def=daily_as_ofs(Workspace().shop),
        backfill_policy=ONE_RUN_EACH,
        pool=POOL,
    )
    def persons(
        context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]
    ) -> Iterator[dg.MaterializeResult]:
        take_turn(workspace, context.run_id)
        summary = resolve_persons(workspace, inputs.pinned(workspace.state, context.partition_key))
        yield dg.MaterializeResult(asset_key=["identity", "person_spans"], metadata=summary)
        yield dg.MaterializeResult(asset_key=["identity", "customer_ledger"])

    rates = dg.AssetSpec(
        ["shop", "exchange_rates"],
        description="Rates into the shop's currency, from rates.csv in the shop's folder.",
        group_name="landing",
        kinds={"csv"},
        owners=owners(Workspace().shop),
    )
    staging = dbt.stage("staging", select=" ".join(["staging", *dbt.IDENTITY_MODELS]))
    return dg.Definitions(assets=[rates, staging, persons])
