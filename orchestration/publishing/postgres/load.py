"""One generation's rows into partitions of their own.

Belongs here: creating, filling and attaching partitions. Does not belong here: moving the pointer (``sink``),
removing partitions (``retire``).

A partition is filled as a table that no reader knows, in one transaction: a kill leaves nothing of it. Attaching it
takes a lock that readers do not wait for.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pyarrow.csv as pacsv

from orchestration.publishing.contract import Contract, Table
from orchestration.publishing.engine import Engine, parquet
from orchestration.publishing.errors import PublishError
from orchestration.publishing.generation import Generation
from orchestration.publishing.permissions import literal, quoted
from orchestration.publishing.postgres.connection import Connection, rows, run
from orchestration.publishing.postgres.schema import column_definition

BATCH_ROWS = 100_000


def partition_name(table: str, generation_id: str) -> str:
    """``customer_scores__20250701_ab12cd34ef56``."""
    return f"{table}__{generation_id.replace('-', '_')}"


def load_generation(connection: Connection, contract: Contract, generation: Generation, engine: Engine) -> int:
    """Load and attach every table of a generation, its mark last.

    Returns
    -------
    int
        Rows loaded.

    Raises
    ------
    PublishError
        A file has not as many rows as the manifest says.
    """
    loaded = 0
    for table in contract.tables:
        loaded += _load_table(connection, table, generation, engine)
        _attach(connection, table.name, generation.generation_id)
    mark = quoted(partition_name("marks", generation.generation_id))
    value = literal(generation.generation_id)
    run(
        connection,
        f"create table crm_data.{mark} (generation_id text not null check (generation_id = {value}));"
        f"insert into crm_data.{mark} values ({value})",
    )
    _attach(connection, "marks", generation.generation_id)
    return loaded


def _load_table(connection: Connection, table: Table, generation: Generation, engine: Engine) -> int:
    partition = f"crm_data.{quoted(partition_name(table.name, generation.generation_id))}"
    columns = table.published_columns
    names = ", ".join(quoted(column.name) for column in columns)
    definitions = ", ".join(column_definition(column) for column in columns)
    value = literal(generation.generation_id)
    with connection.transaction():
        # The check tells Postgres what it would otherwise scan the partition for when attaching it.
        check = f"generation_id text not null default {value} check (generation_id = {value})"
        run(connection, f"create table {partition} ({definitions}, {check})")
        with connection.cursor() as cursor:
            # Frozen from the start: no reader knows the table yet, and no vacuum has to come by later.
            statement = f"copy {partition} ({names}) from stdin (format csv, freeze)"
            with cursor.copy(statement.encode()) as copy:
                for block in _csv_blocks(table, generation, engine):
                    copy.write(block)
            loaded = cursor.rowcount
        expected = generation.manifest.rows[table.name]
        if loaded != expected:
            raise PublishError(f"{table.name}: loaded {loaded} rows, the manifest says {expected}")
        run(connection, f"create unique index on {partition} ({', '.join(quoted(name) for name in table.key)})")
        for column in columns:
            if column.lookup:
                run(connection, f"create index on {partition} ({quoted(column.name)})")
        run(connection, f"analyze {partition}")
    return loaded


def _attach(connection: Connection, table: str, generation_id: str) -> None:
    partition = quoted(partition_name(table, generation_id))
    values = f"for values in ({literal(generation_id)})"
    run(connection, f"alter table crm_data.{quoted(table)} attach partition crm_data.{partition} {values}")


def _csv_blocks(table: Table, generation: Generation, engine: Engine) -> Iterator[bytes]:
    """The table as CSV, a batch at a time: nulls bare, everything else in quotes, which Postgres tells apart."""
    names = [quoted(column.name) for column in table.published_columns]
    columns = ", ".join(f"cast({name} as varchar) as {name}" for name in names)
    options = pacsv.WriteOptions(include_header=False, quoting_style="needed")
    with engine.connect() as source:
        for batch in _batches(source, f"select {columns} from {parquet(generation.file(table.name))}"):
            buffer = io.BytesIO()
            pacsv.write_csv(batch, buffer, options)
            yield buffer.getvalue()


def _batches(source: duckdb.DuckDBPyConnection, select: str) -> Iterator[pa.RecordBatch]:
    yield from source.execute(select).to_arrow_reader(BATCH_ROWS)


def attached(connection: Connection, table: str) -> dict[str, bool]:
    """Partitions of a parent by name; True where a detach is still waiting for readers."""
    found = rows(
        connection,
        f"""select c.relname, i.inhdetachpending from pg_inherits i join pg_class c on c.oid = i.inhrelid
            where i.inhparent = {literal(f"crm_data.{quoted(table)}")}::regclass order by c.relname""",
    )
    return {str(name): bool(pending) for name, pending in found}
