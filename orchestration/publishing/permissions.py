"""Who may be shown: suppression and withdrawn purposes as SQL that DuckDB and Postgres both understand.

Belongs here: the one wording of "withheld", used when writing files, in the file of views and in the Postgres
views. Does not belong here: where suppressions and withdrawals are kept (``suppression``, ``postgres``).

Both sources are relations with the columns of ``SUPPRESSIONS`` and ``WITHDRAWALS``. A withdrawal without a channel
covers every channel; one with a channel takes a purpose that is needed without one, too (fail closed).
"""

from __future__ import annotations

from orchestration.publishing.contract import Column, Need, Table

SUPPRESSIONS = {"customer_id": "varchar", "since": "timestamp", "reason": "varchar"}
WITHDRAWALS = {"customer_id": "varchar", "purpose": "varchar", "channel": "varchar", "withdrawn_at": "timestamp"}


def literal(text: str) -> str:
    """``text`` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """``name`` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def shown(table: Table, column: Column, type_names: dict[str, str] | None = None) -> str:
    """The column's value as far as its purpose is not withdrawn, from aliases ``t`` and ``w``, cast to its type."""
    value = f"t.{quoted(column.name)}"
    if column.needs is None or column.name in table.key:
        return value
    withheld = literal(column.otherwise) if column.otherwise else "false" if column.is_boolean else "null"
    data_type = (type_names or {}).get(column.name, column.data_type)
    return f"cast(case when w.{flag(column.needs)} then {withheld} else {value} end as {data_type})"


def withdrawn_join(table: Table, withdrawals: str) -> str:
    """Left join of alias ``w``, one row per customer with a withdrawal; empty where the table needs no purpose."""
    if not table.needed:
        return ""
    flags = ", ".join(f"bool_or({matches(need)}) as {flag(need)}" for need in table.needed)
    grouped = f"select customer_id, {flags} from {withdrawals} group by customer_id"
    return f"left join ({grouped}) as w on w.customer_id = t.customer_id"


def permitted(table: Table, suppressions: str) -> list[str]:
    """Conditions on alias ``t``: nobody suppressed, no row whose own purpose is withdrawn; tombstones always pass."""
    conditions = [
        f"not exists (select 1 from {suppressions} as s where s.customer_id = t.{quoted(name)})"
        for name in table.person_columns
    ]
    if table.needs:
        conditions.append(f"w.{flag(table.needs)} is not true")
    conditions += [
        f"(t.{quoted(name)} is distinct from {literal(need.text)} or w.{flag(need)} is not true)"
        for name, need in table.needed_by_rows
    ]
    return [f"(t.op = 'delete' or {condition})" for condition in conditions] if table.is_feed else conditions


def flag(need: Need) -> str:
    """Column of alias ``w`` that is true where the purpose was withdrawn."""
    return quoted(f"withdrew_{need.name}")


def matches(need: Need) -> str:
    """Condition on a withdrawal's row: it takes this purpose away."""
    purpose = f"purpose = {literal(need.purpose)}"
    if need.channel is None:
        return purpose
    return f"{purpose} and coalesce(channel, {literal(need.channel)}) = {literal(need.channel)}"
