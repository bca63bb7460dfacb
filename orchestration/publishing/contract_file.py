"""The crm contract as it is written down: ``dbt_project/models/activation/activation.yml``.

Belongs here: reading and checking the file. Does not belong here: what a contract is (``contract``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestration import strict_yaml
from orchestration.publishing.contract import Column, Contract, Need, Table
from orchestration.publishing.errors import ContractError
from orchestration.publishing.grain import Grain

TYPE_PATTERN = re.compile(r"varchar|integer|bigint|double|boolean|date|timestamp|decimal\(\d+,\d+\)")
TABLE_META = {"key", "roles", "needs", "row_needs", "varies", "change_feed", "contract_version", "owner"}
COLUMN_META = {"not_content", "grain", "needs", "otherwise", "roles", "required", "allowed", "min", "max", "lookup"}


def load_contract(path: Path) -> Contract:
    """Read ``activation.yml``.

    Raises
    ------
    ContractError
        A table without a key, an unknown meta entry or type, or a role or key column that does not exist.
    """
    models = strict_yaml.load(path.read_text(encoding="utf-8"))["models"]
    given = tuple(_table(model) for model in models)
    return Contract(tuple(table for one in given for table in ([one, one.feed()] if one.change_feed else [one])))


def _table(model: Mapping[str, Any]) -> Table:
    name, meta = model["name"], model.get("config", {}).get("meta", {})
    _refuse_unknown(name, meta, TABLE_META)
    table = Table(
        name=name, description=_text(model), key=tuple(meta.get("key", ())), roles=tuple(meta.get("roles", ())),
        columns=tuple(_column(name, column, meta.get("key", ())) for column in model["columns"]),
        needs=Need.parse(meta["needs"]) if "needs" in meta else None,
        row_needs=tuple(meta.get("row_needs", ())), varies=bool(meta.get("varies", False)),
        change_feed=bool(meta.get("change_feed", False)), contract_version=int(meta.get("contract_version", 1)),
    )  # fmt: skip
    names = [column.name for column in table.columns]
    if not table.key or not set(table.key) <= set(names):
        raise ContractError(f"{name}: meta.key must name columns of the table, has {list(table.key)}")
    for column in table.columns:
        if column.roles is not None and not set(column.roles) <= set(table.roles):
            raise ContractError(f"{name}.{column.name}: its roles must be among the table's, {list(table.roles)}")
    for needing in table.row_needs:
        if needing not in names or table.column(needing).allowed is None:
            raise ContractError(f"{name}: row_needs names {needing!r}, which must be a column that lists `allowed`")
    if table.needed and "customer_id" not in names:
        raise ContractError(f"{name}: `needs` without a customer_id to ask about")
    return table


def _column(table: str, column: Mapping[str, Any], key: Sequence[str]) -> Column:
    name, meta = column["name"], column.get("config", {}).get("meta", {})
    _refuse_unknown(f"{table}.{name}", meta, COLUMN_META)
    data_type = str(column["data_type"]).lower().replace(" ", "")
    if not TYPE_PATTERN.fullmatch(data_type):
        raise ContractError(f"{table}.{name}: type {data_type!r} has no counterpart in Parquet and Postgres alike")
    return Column(
        name=name, data_type=data_type, description=_text(column),
        not_content=bool(meta.get("not_content", False)), grain=_grain(f"{table}.{name}", meta.get("grain")),
        needs=Need.parse(meta["needs"]) if "needs" in meta else None, otherwise=meta.get("otherwise"),
        roles=tuple(meta["roles"]) if "roles" in meta else None,
        required=bool(meta.get("required", False)) or name in key,
        allowed=tuple(meta["allowed"]) if "allowed" in meta else None,
        min=meta.get("min"), max=meta.get("max"), lookup=bool(meta.get("lookup", False)),
    )  # fmt: skip


def _grain(where: str, written: Any) -> Grain | None:
    if written is None or (isinstance(written, str) and written in ("words", "none")):
        return Grain(written) if written else None
    kind, size = next(iter(written.items())) if isinstance(written, dict) and len(written) == 1 else ("", 0)
    if kind not in ("step", "ratio") or not size > (1 if kind == "ratio" else 0):
        raise ContractError(f"{where}: grain {written!r} is none of {{step: 0.05}}, {{ratio: 1.25}}, words, none")
    return Grain(kind, float(size))


def _text(node: Mapping[str, Any]) -> str:
    return " ".join(str(node.get("description", "")).split())


def _refuse_unknown(where: str, meta: Mapping[str, Any], known: set[str]) -> None:
    if unknown := sorted(set(meta) - known):
        raise ContractError(f"{where}: unknown meta {unknown}; known are {sorted(known)}")
