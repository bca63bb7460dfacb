"""The SQL of plays: which columns it may ask, and that an expression is nothing but an expression over them.

Belongs here: checking one expression. Does not belong here: what a play is (``plays``), running expressions
(``ml.actions.candidates``).

The columns stand in ``dbt_project/models/actions/actions.yml``, those with ``play: true``.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import duckdb

from orchestration import strict_yaml
from orchestration.settings import PROJECT_ROOT
from orchestration.shop import ShopError

RELATION = PROJECT_ROOT / "dbt_project/models/actions/actions.yml"
FUNCTIONS = frozenset({
    "abs", "ceil", "ceiling", "contains", "ends_with", "exp", "floor", "greatest", "least", "length", "list_contains",
    "ln", "lower", "pow", "power", "prefix", "round", "sqrt", "starts_with", "substring", "suffix", "upper",
})  # fmt: skip
"""No clock, no randomness, no files, nothing over other rows: the same customer gives the same answer on every day."""
NEVER = frozenset({
    "age", "age_band", "birth_date", "birthday", "city", "date_of_birth", "gender", "latitude", "longitude",
    "postal_code", "region", "sex", "street", "zip", "zip_code",
})  # fmt: skip


@dataclass(frozen=True)
class CandidateColumn:
    """One column that a play may ask."""

    name: str
    data_type: str
    needs_profiling: bool
    is_live: bool


@cache
def candidate_columns() -> dict[str, CandidateColumn]:
    """By name, in the order of the documentation."""
    models = strict_yaml.load(RELATION.read_text(encoding="utf-8"))["models"]
    columns = next(model for model in models if model["name"] == "action_candidates")["columns"]
    metas = [(column, column.get("config", {}).get("meta", {})) for column in columns]
    return {
        column["name"]: CandidateColumn(
            column["name"], column["data_type"], bool(meta.get("profiling")), bool(meta.get("live"))
        )
        for column, meta in metas
        if meta.get("play")
    }


def checked(expression: str, result: str) -> frozenset[str]:
    """Columns of an expression that gives a ``boolean`` or a ``double``.

    Raises
    ------
    ShopError
        It cannot be parsed or typed, asks for what a play may not ask, or is more than an expression; the message
        says what is wrong with it and, where a name is near, which one was meant.
    """
    node = _parsed(expression)
    names: set[str] = set()
    for part in _parts(node):
        if part.get("class") == "COLUMN_REF":
            names.add(_column(part["column_names"]))
        _require_plain(part)
    _require_type(expression, result)
    return frozenset(names)


def _parsed(expression: str) -> dict[str, Any]:
    with duckdb.connect() as connection:
        row = connection.execute("select json_serialize_sql($sql)", {"sql": f"select ({expression}\n)"}).fetchone()
    tree = json.loads(row[0]) if row else {"error": True, "error_message": "nothing came back"}
    if tree["error"]:
        raise ShopError(f"is no SQL expression: {tree['error_message']}")
    node: dict[str, Any] = tree["statements"][0]["node"]
    plain = len(tree["statements"]) == 1 and node["type"] == "SELECT_NODE" and len(node["select_list"]) == 1
    if not plain or node["from_table"]["type"] != "EMPTY" or node["where_clause"] or node["modifiers"]:
        raise ShopError("is more than one expression; write a predicate such as `orders_count = 1`")
    return dict(node["select_list"][0])


def _parts(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _parts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _parts(value)


def _column(path: list[str]) -> str:
    name = ".".join(path).lower()
    if name in candidate_columns():
        return name
    if name in NEVER:
        raise ShopError(f"asks for {name}: gender, age and where exactly somebody lives never decide whom to contact")
    near = difflib.get_close_matches(name, candidate_columns(), 1)
    hint = f", did you mean {near[0]!r}?" if near else f"; the columns are described in {RELATION.name}"
    raise ShopError(f"asks for an unknown column {name!r}{hint}")


def _require_plain(part: dict[str, Any]) -> None:
    if part.get("class") in ("SUBQUERY", "WINDOW", "LAMBDA", "PARAMETER", "STAR"):
        raise ShopError("looks beyond the customer's own row; use the columns of one customer only")
    if part.get("class") == "FUNCTION" and not part.get("is_operator"):
        name = str(part["function_name"])
        if name not in FUNCTIONS:
            raise ShopError(f"calls {name}(), which a play may not; allowed are {', '.join(sorted(FUNCTIONS))}")


def _require_type(expression: str, result: str) -> None:
    columns = ", ".join(f"cast(null as {one.data_type}) as {one.name}" for one in candidate_columns().values())
    with duckdb.connect() as connection:
        try:
            described = connection.execute(f"describe select ({expression}\n) from (select {columns})").fetchall()
        except duckdb.Error as error:
            raise ShopError(f"cannot be evaluated: {str(error).splitlines()[0]}") from None
    found = str(described[0][1]).lower()
    is_number = found.startswith(("decimal", "double", "float", "integer", "bigint", "hugeint", "smallint", "tinyint"))
    if found != result and not (result == "double" and is_number):
        raise ShopError(f"gives {found}, but must give {'true or false' if result == 'boolean' else 'a number'}")
