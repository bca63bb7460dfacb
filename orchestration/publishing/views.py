"""The small DuckDB file of views beside a generation's files, for readers who want SQL without a server.

Belongs here: schema ``crm`` over exactly one generation, with suppression and withdrawals read live. Does not belong
here: the same views in Postgres (``postgres.views``).

The file holds no rows and is derived, so it is not in the manifest; it is made again when it is missing or when
its paths changed (a restore to another folder). Readers open it read-only: any number of them, and nobody waits.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from orchestration.publishing.contract import Contract, Table
from orchestration.publishing.engine import parquet
from orchestration.publishing.generation import RECORDS, VIEWS, Generation
from orchestration.publishing.permissions import literal, permitted, quoted, shown, withdrawn_join
from orchestration.publishing.suppression import Privacy

RECORD_COLUMNS = {
    "generation_id": "varchar", "inputs_id": "varchar", "as_of": "timestamp", "as_of_date": "date",
    "run_id": "varchar", "started_at": "timestamp", "contract_version": "integer", "previous": "varchar",
    "counts": "json", "audit": "varchar", "published_at": "timestamp", "pointed_at": "timestamp",
    "first_move": "integer", "last_move": "integer",
}  # fmt: skip


def write_views(generation: Generation, contract: Contract, privacy: Privacy, published: Path) -> Path:
    """Make ``views.duckdb`` of a generation whose folder is in its place, unless it is there and right."""
    statements = view_statements(generation, contract, privacy, published)
    if generation.views.exists() and _has(generation.views, statements):
        return generation.views
    temporary = generation.views.with_name(f".{VIEWS}.writing")
    for leftover in (temporary, temporary.with_name(temporary.name + ".wal")):
        leftover.unlink(missing_ok=True)
    with duckdb.connect(str(temporary)) as connection:
        connection.execute("begin")  # one transaction, one write to disk
        connection.execute("create schema crm")
        for name, statement in statements.items():
            connection.execute(f"create view crm.{quoted(name)} as {statement}")
        connection.execute("create schema regulars")
        connection.execute("create table regulars.view_definitions (name varchar, statement varchar)")
        connection.executemany("insert into regulars.view_definitions values (?, ?)", list(statements.items()))
        for table in contract.tables:
            _comment(connection, table)
        connection.execute("commit")
        connection.execute("checkpoint")
    # Renaming over a database whose write-ahead log remains would make it unopenable.
    for path in (temporary, generation.views):
        if path.with_name(path.name + ".wal").exists():
            raise RuntimeError(f"{path} was not checkpointed")
    temporary.replace(generation.views)
    return generation.views


def view_statements(generation: Generation, contract: Contract, privacy: Privacy, published: Path) -> dict[str, str]:
    """Select statement of each view by name."""
    suppressions, withdrawals = parquet(privacy.suppressions), parquet(privacy.withdrawals)
    statements = {table.name: _select(table, generation, suppressions, withdrawals) for table in contract.tables}
    statements["suppressions"] = f"select customer_id, since, reason from {suppressions}"
    types = ", ".join(f"{literal(name)}: {literal(data_type)}" for name, data_type in RECORD_COLUMNS.items())
    records = literal(str((published / RECORDS).resolve()))
    statements["generations"] = (
        "select generation_id, inputs_id, as_of, as_of_date, run_id, started_at, contract_version, previous, counts, "
        f"published_at, generation_id = {literal(generation.generation_id)} as is_current "
        f"from read_json({records}, columns = {{{types}}}) where published_at is not null"
    )
    return statements


def _select(table: Table, generation: Generation, suppressions: str, withdrawals: str) -> str:
    columns = ", ".join(f"{shown(table, column)} as {quoted(column.name)}" for column in table.published_columns)
    conditions = permitted(table, suppressions)
    where = f" where {' and '.join(conditions)}" if conditions else ""
    join = withdrawn_join(table, withdrawals)
    return f"select {columns} from {parquet(generation.file(table.name))} as t {join}{where}"


def _comment(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    connection.execute(f"comment on view crm.{quoted(table.name)} is {literal(table.description)}")
    for column in table.published_columns:
        place = f"crm.{quoted(table.name)}.{quoted(column.name)}"
        connection.execute(f"comment on column {place} is {literal(column.description)}")


def _has(views: Path, statements: dict[str, str]) -> bool:
    with duckdb.connect(str(views), read_only=True) as connection:
        return dict(connection.execute("select * from regulars.view_definitions").fetchall()) == statements
