"""The select statements that make published rows out of the tables handed over.

Belongs here: permitted values, ``row_hash``, ``updated_at``, and what changed against the previous generation, as
DuckDB SQL. Does not belong here: files and folders (``write``).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from orchestration.publishing.contract import Column, Table
from orchestration.publishing.engine import parquet
from orchestration.publishing.permissions import literal, permitted, quoted, shown, withdrawn_join
from orchestration.publishing.suppression import Privacy

DECIMAL_PLACES = 6
"""Of published floats, so that a last bit never makes a change."""


def published_rows(table: Table, source: Path, previous: Path | None, privacy: Privacy, as_of: datetime) -> str:
    """Select of one table's rows in the order of its key.

    ``updated_at`` is taken from ``previous`` (the same table of the generation before) while the content is the
    same, else it is the as-of: never a clock.
    """
    columns = ", ".join(f"{_rounded(table, column)} as {quoted(column.name)}" for column in table.columns)
    conditions = permitted(table, parquet(privacy.suppressions))
    where = f"where {' and '.join(conditions)}" if conditions else ""
    join, updated_at = "", _instant(as_of)
    if previous is not None:
        join = f"left join {parquet(previous)} as p on {_same_key(table, 'h', 'p')}"
        updated_at = f"case when p.row_hash = h.row_hash then p.updated_at else {_instant(as_of)} end"
    return f"""
        with permitted as (
            select {columns} from {parquet(source)} as t {withdrawn_join(table, parquet(privacy.withdrawals))} {where}
        ), hashed as (
            select *, {_row_hash(table)} as row_hash from permitted
        )
        select h.*, {updated_at} as updated_at from hashed as h {join} order by {_key(table, "h")}
    """


def changed_rows(feed: Table, now: Path, previous: Path | None, as_of: datetime) -> str:
    """Select of a feed: new and changed rows as upserts, missing ones as deletes with the key only, by key."""
    names = [column.name for column in feed.columns if column.name != "op"]
    upserted = ", ".join(f"n.{quoted(name)}" for name in names)
    upserts = f"select 'upsert' as op, {upserted}, n.row_hash, n.updated_at from {parquet(now)} as n"
    if previous is None:
        return f"{upserts} order by {_key(feed, 'n')}"
    deleted = ", ".join(
        f"p.{quoted(column.name)}" if column.name in feed.key else f"cast(null as {column.data_type})"
        for column in feed.columns
        if column.name != "op"
    )
    same, before, after = _same_key(feed, "n", "p"), f"{parquet(previous)} as p", f"{parquet(now)} as n"
    return f"""
        select * from (
            {upserts} left join {before} on {same} where p.row_hash is distinct from n.row_hash
            union all
            select 'delete', {deleted}, null, {_instant(as_of)} from {before} anti join {after} on {same}
        ) as c order by {_key(feed, "c")}
    """


def _rounded(table: Table, column: Column) -> str:
    value = shown(table, column)
    # Adding zero turns a negative zero, which would hash differently, into a plain one.
    return f"round({value}, {DECIMAL_PLACES}) + 0.0::double" if column.data_type == "double" else value


def _row_hash(table: Table) -> str:
    # Nulls are left out and columns named, so that a new, still empty column changes no hash. One call over all
    # columns: a chain of || copies the row once per column, which made it four fifths of the whole writing time.
    parts = (
        f"{literal(column.name + ':')} || {_as_far_as_it_counts(column)}"
        for column in table.content
        if column.grain is None or column.grain.kind != "none"
    )
    return f"md5(concat_ws(chr(31), {', '.join(parts)}))"


def _as_far_as_it_counts(column: Column) -> str:
    value, grain = quoted(column.name), column.grain
    if grain is None:
        return value
    if grain.kind == "words":
        return f"regexp_replace({value}, '[0-9]+([.,][0-9]+)?', '#', 'g')"
    if grain.kind == "step":
        number = f"epoch({value}) / 86400" if column.data_type == "date" else value
        return f"cast(round({number} / {grain.size}) as bigint)"
    step = f"cast(round(ln({value}) / ln({grain.size})) as bigint)"
    return f"case when {value} > 0 then {step}::varchar else {value}::varchar end"


def _key(table: Table, alias: str) -> str:
    return ", ".join(f"{alias}.{quoted(name)}" for name in table.key)


def _same_key(table: Table, left: str, right: str) -> str:
    return " and ".join(f"{left}.{quoted(name)} = {right}.{quoted(name)}" for name in table.key)


def _instant(instant: datetime) -> str:
    return f"timestamp {literal(instant.isoformat(sep=' '))}"
