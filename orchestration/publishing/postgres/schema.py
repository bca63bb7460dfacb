"""Tables behind the views, and how they grow with the contract.

Belongs here: schemas, roles, partitioned parents, the publisher's own tables. Does not belong here: the views
(``views``), rows (``load``).
"""

from __future__ import annotations

from psycopg import errors

from orchestration.publishing.contract import Column, Contract, Table
from orchestration.publishing.errors import ContractError, PublishError
from orchestration.publishing.permissions import literal, quoted
from orchestration.publishing.postgres.connection import Connection, rows, run, run_impatiently

OWN_TABLES = (
    "create schema if not exists crm_data",
    "create schema if not exists crm",
    "create table if not exists crm_data.marks (generation_id text not null) partition by list (generation_id)",
    """create table if not exists crm_data.pointer (
        move bigint generated always as identity primary key, generation_id text not null, moved_at timestamp not null
    )""",
    """create table if not exists crm_data.generations (
        generation_id text primary key, content_id text not null, inputs_id text not null, as_of timestamp not null,
        as_of_date date not null, run_id text not null, started_at timestamp not null,
        contract_version integer not null, previous text, counts jsonb not null, published_at timestamp not null
    )""",
    """create table if not exists crm_data.suppressions (
        customer_id text primary key, since timestamp not null, reason text not null
    )""",
    """create table if not exists crm_data.withdrawals (
        customer_id text not null, purpose text not null, channel text, withdrawn_at timestamp not null,
        unique nulls not distinct (customer_id, purpose, channel)
    )""",
    "create table if not exists crm_data.definitions (name text primary key, definition text not null)",
)
SIMPLE_TYPES = {
    "varchar": "text", "integer": "integer", "bigint": "bigint", "double": "double precision", "boolean": "boolean",
    "date": "date", "timestamp": "timestamp without time zone",
}  # fmt: skip


def postgres_type(column: Column) -> str:
    """The column's type as Postgres itself spells it."""
    return SIMPLE_TYPES.get(column.data_type) or column.data_type.replace("decimal", "numeric")


def column_definition(column: Column) -> str:
    """Name and type; text sorts by bytes, as in the files."""
    collation = ' collate "C"' if column.data_type == "varchar" else ""
    return f"{quoted(column.name)} {postgres_type(column)}{collation}"


def ensure_schema(connection: Connection, contract: Contract) -> None:
    """Make what is missing and add new columns; nothing is touched that is already right.

    Raises
    ------
    ContractError
        The contract dropped or retyped what readers have.
    PublishError
        A role is missing and may not be created, or a long reader kept a column from being added.
    """
    for statement in OWN_TABLES:
        run(connection, statement)
    for role in contract.roles:
        _ensure_role(connection, role)
        run(connection, f"grant usage on schema crm to {quoted(role)}")
    before = published_shape(connection)
    contract.require_additive(before)
    for table in contract.tables:
        if table.name not in before:
            _create(connection, table)
        else:
            _add_columns(connection, table, before[table.name])


def published_shape(connection: Connection) -> dict[str, dict[str, str]]:
    """Contract type of each column by table, as the server has them, in the order in which views show them."""
    found = rows(
        connection,
        """select c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
           from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
           where n.nspname = 'crm_data' and c.relkind = 'p' and c.relname <> 'marks'
             and a.attnum > 0 and not a.attisdropped and a.attname <> 'generation_id'
           order by c.relname, a.attnum""",
    )
    names = {postgres: contract for contract, postgres in SIMPLE_TYPES.items()}
    shape: dict[str, dict[str, str]] = {}
    for table, column, data_type in found:
        spelled = str(data_type)
        shape.setdefault(str(table), {})[str(column)] = names.get(spelled) or spelled.replace("numeric", "decimal")
    return shape


def _create(connection: Connection, table: Table) -> None:
    columns = ", ".join(column_definition(column) for column in table.published_columns)
    name = f"crm_data.{quoted(table.name)}"
    run(connection, f"create table {name} ({columns}, generation_id text not null) partition by list (generation_id)")


def _add_columns(connection: Connection, table: Table, before: dict[str, str]) -> None:
    added = [column for column in table.published_columns if column.name not in before]
    if not added:
        return
    actions = ", ".join(f"add column {column_definition(column)}" for column in added)
    if not run_impatiently(connection, f"alter table crm_data.{quoted(table.name)} {actions}"):
        raise PublishError(
            f"crm.{table.name} gets new columns ({', '.join(column.name for column in added)}), but a reader keeps a "
            "transaction open on it; readers have what they had. Run again when that reader is done"
        )


def _ensure_role(connection: Connection, role: str) -> None:
    if rows(connection, f"select 1 from pg_roles where rolname = {literal(role)}"):
        return
    try:
        run(connection, f"create role {quoted(role)} nologin")
    except errors.InsufficientPrivilege:
        raise ContractError(
            f"role {role} does not exist and this user may not create it: ask for `create role {role} nologin`"
        ) from None
