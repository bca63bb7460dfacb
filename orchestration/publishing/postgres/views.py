"""The views that readers see in schema ``crm``, their comments and who may read them.

Belongs here: view definitions and grants. Does not belong here: what is withheld (``permissions``), the tables.

Replacing a view waits behind long readers and holds up everyone after them, so a view is replaced only when its
definition really changed, which is when the contract grew.
"""

from __future__ import annotations

from orchestration.publishing.contract import Column, Contract, Table
from orchestration.publishing.errors import PublishError
from orchestration.publishing.own_tables import OWN_TABLES
from orchestration.publishing.permissions import literal, permitted, quoted, shown, withdrawn_join
from orchestration.publishing.postgres.connection import Connection, rows, run_impatiently
from orchestration.publishing.postgres.schema import postgres_type, published_shape

SUPPRESSIONS, WITHDRAWALS = "crm_data.suppressions", "crm_data.withdrawals"
POINTER = """(
    select v.generation_id from crm_data.pointer as v join crm_data.marks as m on m.generation_id = v.generation_id
    order by v.move desc limit 1
)"""
"""A scalar subquery: a join to the pointer would scan every generation. Of marks, see the package's docstring."""
SUPPRESSIONS_VIEW = f"select customer_id, since, reason from {SUPPRESSIONS}"
GENERATIONS_VIEW = f"""
    select generation_id, inputs_id, as_of, as_of_date, run_id, started_at, contract_version, previous, counts,
           published_at, generation_id = {POINTER} as is_current
    from crm_data.generations
"""


def ensure_views(connection: Connection, contract: Contract) -> tuple[str, ...]:
    """Make or replace the views whose definition differs from the one in place.

    Returns
    -------
    tuple of str
        Names of the views that were made or replaced.

    Raises
    ------
    PublishError
        A long reader kept a view from being replaced.
    """
    order = published_shape(connection)
    present = {str(name) for (name,) in rows(connection, "select viewname from pg_views where schemaname = 'crm'")}
    known = {str(k): str(v) for k, v in rows(connection, "select name, definition from crm_data.definitions")}
    changed = []
    for name, statements in _definitions(contract, order).items():
        definition = ";\n".join(statements)
        if name in present and known.get(name) == definition:
            continue
        remember = (
            f"insert into crm_data.definitions values ({literal(name)}, {literal(definition)}) "
            "on conflict (name) do update set definition = excluded.definition"
        )
        if not run_impatiently(connection, ";\n".join([*statements, remember])):
            raise PublishError(
                f"the definition of crm.{name} changed, but a reader keeps a transaction open on it; readers have what "
                "they had. Run again when that reader is done"
            )
        changed.append(name)
    return tuple(changed)


def _definitions(contract: Contract, order: dict[str, dict[str, str]]) -> dict[str, list[str]]:
    definitions = {table.name: _table_view(table, list(order[table.name]), contract.roles) for table in contract.tables}
    for name, select in (("suppressions", SUPPRESSIONS_VIEW), ("generations", GENERATIONS_VIEW)):
        table = next(table for table in OWN_TABLES if table.name == name)
        definitions[name] = [
            f"create or replace view crm.{name} with (security_barrier) as {select}",
            f"comment on view crm.{name} is {literal(table.description)}",
            *(f"comment on column crm.{name}.{quoted(c.name)} is {literal(c.description)}" for c in table.columns),
            *(f"grant select on crm.{name} to {quoted(role)}" for role in contract.roles),
        ]
    return definitions


def _table_view(table: Table, order: list[str], roles: tuple[str, ...]) -> list[str]:
    # Columns stand in the order in which the table got them: a view can only grow at its end.
    columns = sorted(table.published_columns, key=lambda column: order.index(column.name))
    types = {column.name: postgres_type(column) for column in columns}
    selected = ", ".join(f"{shown(table, column, types)} as {quoted(column.name)}" for column in columns)
    conditions = " and ".join([f"t.generation_id = {POINTER}", *permitted(table, SUPPRESSIONS)])
    view = f"crm.{quoted(table.name)}"
    source = f"crm_data.{quoted(table.name)} as t {withdrawn_join(table, WITHDRAWALS)}"
    return [
        f"create or replace view {view} with (security_barrier) as select {selected} from {source} where {conditions}",
        f"comment on view {view} is {literal(table.description)}",
        *(f"comment on column {view}.{quoted(one.name)} is {literal(one.description)}" for one in columns),
        *(grant for role in roles for grant in _grants(table, view, role, columns)),
    ]


def _grants(table: Table, view: str, role: str, columns: list[Column]) -> list[str]:
    seen = [quoted(column.name) for column in columns if role in table.roles_of(column)]
    what = "select" if len(seen) == len(columns) else f"select ({', '.join(seen)})"
    revoked = f"revoke all on {view} from {quoted(role)}"
    return [revoked, f"grant {what} on {view} to {quoted(role)}"] if seen else [revoked]
