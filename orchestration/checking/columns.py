"""Columns of a file that nothing reads, and what they look like; shapes of values instead of values.

Belongs here: what can be said of a column without quoting a cell. Does not belong here: required columns that are
missing, which the landing's own errors name.
"""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from orchestration.drafting.vocabulary import likeness
from orchestration.landing.contract import TouchpointContract
from orchestration.landing.integrity import format_of
from orchestration.landing.reader import header, lines_of
from orchestration.shop import Shop

LOOKS_LIKE = 0.75
LONGEST_SHAPE = 24
SAMPLED_LINES = 2_000
COMMENT = re.compile(r"""('(?:[^']|'')*'|"(?:[^"]|"")*")|--[^\n]*|/\*.*?\*/""", re.DOTALL)
"""In SQL; what is quoted comes first, as a name may hold what begins a comment."""


def columns_of(path: Path, encoding: str, connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Column names of a file; of JSON lines the keys of the first lines."""
    kind = format_of(path)
    if kind == "csv":
        return header(path, encoding)[0]
    if kind == "parquet":
        return list(pq.read_schema(path).names)
    found = connection.execute(f"""
        select distinct unnest(json_keys(line_text)) as key
        from (from {lines_of(path)} limit {SAMPLED_LINES})
        where json_valid(line_text) and json_type(line_text) = 'OBJECT'
        order by key
    """).fetchall()
    return [key for (key,) in found]


def unused_columns(names: list[str], contract: TouchpointContract, shop: Shop) -> tuple[tuple[str, str | None], ...]:
    """Columns that neither ``columns:`` nor the mapping names, with the canonical column each looks like.

    A mapping in SQL counts as reading a column whose name stands in its text, comments apart: a draft names there what
    it does not use.
    """
    spec, incoming = shop.touchpoints[contract.name], [column.name for column in contract.incoming]
    statement = shop.mapping_sql(contract.name)
    if statement is None:
        read = {spec.columns.get(name, name) for name in incoming} | {spec.known_at}
        given = {name for name in incoming if spec.columns.get(name, name) in names}
    else:
        words = COMMENT.sub(lambda found: found[1] or " ", statement).lower()
        read = {name for name in names if re.search(rf"(?<!\w){re.escape(name.lower())}(?!\w)", words)}
        given = set(re.findall(r"\w+", words))
    free = [name for name in incoming if name not in given]
    return tuple((name, _looks_like(name, free)) for name in names if name not in read)


def shape(value: str | None) -> str:
    """A value without its content: letters become x, digits 9."""
    if value is None:
        return "(empty)"
    masked = re.sub(r"\d", "9", re.sub(r"[^\W\d_]", "x", value))
    return masked if len(masked) <= LONGEST_SHAPE else masked[: LONGEST_SHAPE - 1] + "…"


def _looks_like(name: str, canonical: list[str]) -> str | None:
    alike = max(((likeness(name, one)[0], one) for one in canonical), key=lambda pair: pair[0], default=(0.0, ""))
    return alike[1] if alike[0] >= LOOKS_LIKE else None
