"""The identity stage: edges from the warehouse through ``ml.identity`` into spans, redirects and ledger on disk.

Belongs here: where the inputs come from and the outputs go. Does not belong here: how persons are found.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ml.identity import resolve
from orchestration.files import copy_atomically, write_parquet_atomically
from orchestration.inputs import Inputs, ledger_folder, ledger_name, person_spans, redirects, shared_identifiers
from orchestration.workspace import Workspace


def resolve_persons(workspace: Workspace, inputs: Inputs) -> dict[str, Any]:
    """Resolve the pinned batches into persons; return what a person wants to see.

    Spans and redirects hold every instant of knowledge, so one file serves every as-of of the same batches. The ledger
    file comes first: ids that anybody may have seen are never minted anew.
    """
    state = workspace.state
    with workspace.warehouse() as warehouse:
        edges = warehouse.sql("from intermediate.int_identifier_edges").to_arrow_table()
        singles = warehouse.sql("from intermediate.int_identifiers_seen").to_arrow_table()
    earlier = [pq.read_table(ledger_folder(state) / name) for name in inputs.ledger]
    resolution = resolve(
        edges, singles, pa.concat_tables(earlier) if earlier else None, workspace.shop.identity.model_dump()
    )
    write_parquet_atomically(ledger_folder(state) / ledger_name(inputs.batches), resolution.new_ledger)
    write_parquet_atomically(redirects(state, inputs), resolution.redirects)
    write_parquet_atomically(person_spans(state, inputs), resolution.person_spans)
    summary = resolution.summary
    return {
        "dagster/row_count": resolution.person_spans.num_rows,
        "identifiers": summary.identifiers,
        "persons": summary.persons,
        "merges": summary.merges,
        "largest_component": summary.largest_component,
        "hubs": ", ".join(f"{count} {kind}" for kind, count in sorted(summary.hubs.items())) or "none",
    }


def keep_shared_identifiers(workspace: Workspace, inputs: Inputs) -> int:
    """Copy out of the warehouse whom an identifier means that several people share, so that what lands from now on
    need not wait for the next as-of; returns the number of rows."""
    select = "select * from intermediate.int_shared_identifiers order by all"
    with workspace.warehouse() as warehouse:
        return copy_atomically(warehouse, select, shared_identifiers(workspace.state, inputs.as_of_date))
