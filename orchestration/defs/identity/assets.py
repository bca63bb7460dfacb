"""``identity/person_spans``, ``identity/redirects`` and ``identity/customer_ledger``: who is who."""

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
    "redirects": "Which customer id led to which other one, over what was known when.",
    "customer_ledger": "Every customer id ever minted, append-only.",
}
GIVEN = {
    ("shop", "exchange_rates"): "Rates into the shop's currency, from rates.csv in the shop's folder.",
    ("ledger", "decisions"): "What earlier runs decided and readers saw, append-only.",
    ("ledger", "holdouts"): "Arms as they were drawn with these decisions, append-only.",
}
"""What dbt reads and no run makes. It stands with what has landed, so that the stages follow each other: decisions are
read before profiles are built, and made after everybody is scored."""


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
        yield dg.MaterializeResult(asset_key=["identity", "redirects"])
        yield dg.MaterializeResult(asset_key=["identity", "customer_ledger"])

    staging = dbt.stage("staging", select=" ".join(["staging", *dbt.IDENTITY_MODELS]))
    return dg.Definitions(assets=[*_given(), staging, persons])


def _given() -> list[dg.AssetSpec]:
    return [
        dg.AssetSpec([*key], group_name="landing", description=description, owners=owners(Workspace().shop))
        for key, description in GIVEN.items()
    ]
