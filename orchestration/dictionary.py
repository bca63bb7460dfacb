"""The dictionary: what every published table and every touchpoint means, as pages written from their contracts.

Belongs here: the pages ``docs/tables.md`` and ``docs/touchpoints.md``. Does not belong here: any description, which
stand once, in ``activation.yml`` and ``raw.yml``.

Written by ``make dictionary``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from orchestration.landing.contract import Column as TouchpointColumn
from orchestration.landing.contract import TouchpointContract
from orchestration.landing.contract import load_contract as load_touchpoints
from orchestration.publishing.contract import Column, Contract, Table
from orchestration.publishing.contract_file import load_contract as load_tables
from orchestration.publishing.own_tables import OWN_TABLES
from orchestration.settings import PROJECT_ROOT

COMMAND = "make dictionary"
ACTIVATION = PROJECT_ROOT / "dbt_project" / "models" / "activation" / "activation.yml"


def pages() -> dict[Path, str]:
    """Text by file, of the contracts as they are now."""
    docs = PROJECT_ROOT / "docs"
    return {
        docs / "tables.md": tables_page(load_tables(ACTIVATION)),
        docs / "touchpoints.md": touchpoints_page(load_touchpoints().values()),
    }


def tables_page(contract: Contract) -> str:
    """Every table of schema ``crm``, its feeds named with it."""
    every = (*contract.given, *OWN_TABLES)
    lines = [
        "# The published tables",
        "",
        f"Written by `{COMMAND}` from `dbt_project/models/activation/activation.yml`; the same words stand as comments "
        "on the views and columns in Postgres. Schema `crm`. Instants are UTC. The contract only grows: a column may "
        "be added, never renamed, retyped or dropped.",
        "",
        "*Needs* names the purpose without whose standing grant the value is withheld, when publishing and live in the "
        "view; in its place stands null, false for a boolean, or what is named.",
        "",
        "| table | one row is |",
        "|---|---|",
        *(f"| [`{table.name}`](#{table.name}) | {_cell(table.description)} |" for table in every),
    ]
    for table in every:
        lines += ["", *_table(table)]
    return "\n".join(lines) + "\n"


def touchpoints_page(contracts: Iterable[TouchpointContract]) -> str:
    """Every touchpoint's columns as a shop's files may carry them."""
    every = list(contracts)
    lines = [
        "# The touchpoints",
        "",
        f"Written by `{COMMAND}` from `dbt_project/models/sources/raw.yml`: the contract at the front door. All are "
        "optional but one of orders, events, subscriptions. `shops/<shop>/shop.yml` says which column of a file is "
        "which; a row that breaks a rule goes to quarantine with file, line, column, value and rule.",
        "",
        "`regulars init` guesses the mapping, `regulars check` says what would become of the files.",
        "",
        "| touchpoint | what |",
        "|---|---|",
        *(f"| [`{one.name}`](#{one.name}) | {_cell(one.description)} |" for one in every),
    ]
    for one in every:
        lines += ["", *_touchpoint(one)]
    return "\n".join(lines) + "\n"


def _table(table: Table) -> list[str]:
    facts = [f"Key: {_codes(table.key)}.", f"Roles: {_codes(table.roles)}." if table.roles else "Roles: all."]
    if table.needs:
        facts.append(f"A row needs {_need(table.needs.purpose, table.needs.channel)}.")
    if table.change_feed:
        facts.append(f"Changes against the generation before: `{table.name}_changes` (`op` upsert or delete).")
    columns = table.columns if table in OWN_TABLES else table.published_columns
    return [
        f"## {table.name}",
        "",
        table.description,
        "",
        " ".join(facts),
        "",
        "| column | type | what | needs | values |",
        "|---|---|---|---|---|",
        *(_row(table, column) for column in columns),
    ]


def _row(table: Table, column: Column) -> str:
    what = column.description
    if column.roles is not None and table.roles_of(column) != table.roles:
        what += f" Seen by {_codes(table.roles_of(column))} only."
    if column.not_content:
        what += " A change of it alone is no change."
    if column.grain is not None:
        what += f" {column.grain.text}"
    needs = _need(column.needs.purpose, column.needs.channel) if column.needs else ""
    if column.otherwise:
        needs += f", else `{column.otherwise}`"
    values = _values(column.allowed, column.min, column.max, column.required)
    return _cells(f"`{column.name}`", column.data_type, what, needs, values)


def _touchpoint(contract: TouchpointContract) -> list[str]:
    kind = "Append-only; the same key with new content is a further version."
    if contract.mutable:
        kind = "A row is a version: the same key with new content is a further one."
    if contract.counts_once:
        kind = "Append-only; the first row of a key counts."
    whose = f" A row needs a usable {_codes(contract.whose_incoming, ' or ')}." if contract.whose else ""
    return [
        f"## {contract.name}",
        "",
        contract.description,
        "",
        f"Key: {_codes(contract.key)}. Happened at: `{contract.occurred_at}`. {kind}{whose}",
        "",
        "| column | type | what | values |",
        "|---|---|---|---|",
        *(_touchpoint_row(contract, column) for column in contract.incoming),
    ]


def _touchpoint_row(contract: TouchpointContract, column: TouchpointColumn) -> str:
    what = column.description
    tokens = [token for token in contract.tokens if token.source == column.name]
    if tokens and not contract.has(column.name):
        what = f"Becomes `{tokens[0].name}` at the door: {tokens[0].description}"
    if column.personal and contract.has(column.name):
        what += " Personal: it never leaves this touchpoint."
    values = _values(column.allowed or None, column.minimum, column.maximum, column.required)
    if column.default is not None:
        values = "; ".join(filter(None, [values, f"`{column.default}` where the file has no such column"]))
    return _cells(f"`{column.name}`", column.data_type, what, values)


def _values(allowed: tuple[str, ...] | None, low: object | None, high: object | None, required: bool) -> str:
    found = ["required"] if required else []
    if allowed:
        found.append(", ".join(allowed))
    if low is not None or high is not None:
        found.append(f"{'' if low is None else low} … {'' if high is None else high}".strip())
    return "; ".join(found)


def _need(purpose: str, channel: str | None) -> str:
    return f"{purpose} by {channel}" if channel else purpose


def _codes(names: Iterable[str], between: str = ", ") -> str:
    return between.join(f"`{name}`" for name in names)


def _cells(*cells: str) -> str:
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def main() -> None:
    """Write the pages of the project."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
