"""The activation stage: dbt's crm tables out of the warehouse, through ``orchestration.publishing``.

Belongs here: where the publisher gets its tables, grants and server. Does not belong here: how it publishes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date
from pathlib import Path

from orchestration.files import copy_atomically
from orchestration.inputs import Inputs
from orchestration.publishing.contract import Contract
from orchestration.publishing.contract_file import load_contract
from orchestration.publishing.engine import Engine
from orchestration.publishing.generation import GenerationMeta
from orchestration.publishing.publisher import Publisher
from orchestration.publishing.server import postgres_url
from orchestration.settings import PROJECT_ROOT
from orchestration.workspace import Workspace

CONTRACT = PROJECT_ROOT / "dbt_project/models/activation/activation.yml"


def contract() -> Contract:
    """The crm contract."""
    return load_contract(CONTRACT)


def publisher(workspace: Workspace) -> Publisher:
    """The shop's publisher; Postgres is found or started when it is first needed."""
    state, settings = workspace.state, workspace.settings
    return Publisher(
        published=state.published,
        privacy_folder=state.privacy,
        contract=contract(),
        now=settings.now,
        find_postgres=lambda: postgres_url(settings.postgres_url, state.postgres),
        engine=Engine(settings.threads, settings.memory_limit, state.temporary),
    )


def generation_meta(workspace: Workspace, inputs: Inputs, run_id: str) -> GenerationMeta:
    """What the run says about the generation that it writes."""
    shop = workspace.shop
    return GenerationMeta(
        shop=shop.slug,
        inputs_id=inputs.inputs_id,
        as_of=inputs.as_of(shop).astimezone(UTC).replace(tzinfo=None),
        as_of_date=date.fromisoformat(inputs.as_of_date),
        run_id=run_id,
        started_at=workspace.now().replace(tzinfo=None),
        notices=tuple(
            f"{purpose} is assumed: {consent.because}"
            for purpose, consent in sorted(shop.consent.items())
            if consent.basis == "assume"
        ),
    )


def export_tables(workspace: Workspace, inputs: Inputs) -> tuple[dict[str, Path], Path]:
    """Copy the crm tables, in the order of their keys, and the standing grants out of the warehouse.

    Returns
    -------
    tables, grants
        Parquet file of each table, and of the grants that the audit holds them against.
    """
    folder = workspace.state.temporary / "activation" / inputs.inputs_id
    folder.mkdir(parents=True, exist_ok=True)
    tables = {table.name: folder / f"{table.name}.parquet" for table in contract().given}
    grants = folder / "grants.parquet"
    with workspace.warehouse() as warehouse:
        for table in contract().given:
            columns = ", ".join(column.name for column in table.columns)
            copy_atomically(
                warehouse,
                f"select {columns} from activation.{table.name} order by {', '.join(table.key)}",
                tables[table.name],
            )
        copy_atomically(warehouse, "select * from marts.customer_permissions order by all", grants)
    return tables, grants


def customers_of(workspace: Workspace, external_ids: Sequence[str]) -> dict[str, str]:
    """Customer ids of the shop's own customer numbers, by the published identifiers; unknown ones are absent."""
    generation = publisher(workspace).files.current()
    if generation is None:
        return {}
    rows = workspace.connect().execute(
        "select identifier, customer_id from read_parquet(?) where identifier_type = 'account' and identifier in ?",
        [str(generation.file("customer_identifiers")), list(external_ids)],
    )
    return dict(rows.fetchall())
