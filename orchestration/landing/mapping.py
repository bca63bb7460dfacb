"""From a shop's own columns to the canonical ones.

Belongs here: the relation ``mapped`` (``file_line``, every incoming column of the contract, ``known_at``,
``reject_reason``), by ``columns:`` or by ``<touchpoint>.sql``; columns that are not there and the likely ones.
Does not belong here: types and values (``casts``, ``checks``).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

import duckdb

from orchestration.landing import sql
from orchestration.landing.contract import Column, TouchpointContract
from orchestration.landing.errors import FileRefusedError, LandingError
from orchestration.landing.reader import LINE, Landed
from orchestration.shop import Shop, Touchpoint

EXTRAS = ("known_at", "reject_reason")
"""What a mapping may give beside the canonical columns: the row's own instant of learning, a reason to refuse it."""


def require_known_names(shop: Shop, contract: dict[str, TouchpointContract]) -> None:
    """Check the shop's mappings against the contract, before any file is read.

    Raises
    ------
    LandingError
        ``columns:`` names a column that the contract does not have, or stands beside a mapping in SQL.
    """
    for touchpoint, spec in shop.touchpoints.items():
        known = [column.name for column in contract[touchpoint].incoming]
        where = f"{shop.folder / 'shop.yml'}: touchpoints.{touchpoint}.columns"
        if spec.columns and shop.mapping_sql(touchpoint):
            raise LandingError(f"{where}: {touchpoint}.sql maps this touchpoint already; keep one of the two")
        for column in spec.columns:
            if column not in known:
                raise LandingError(f"{where}: the contract has no column {column!r}{_likely(known, column)}")


def map_columns(
    connection: duckdb.DuckDBPyConnection, contract: TouchpointContract, shop: Shop, landed: Landed
) -> dict[str, str]:
    """Make the view ``mapped``.

    Returns
    -------
    DuckDB type by column of ``mapped``.

    Raises
    ------
    FileRefusedError
        A mapped or required column is not in the file, or the SQL does not keep to its rules.
    """
    spec = shop.touchpoints[contract.name]
    statement = shop.mapping_sql(contract.name)
    if statement is None:
        selected = _by_columns(contract, spec, shop, landed)
    else:
        given = _run_mapping(connection, contract, statement)
        selected = _completed(contract, spec, shop, given)
    connection.execute(f"create or replace temp view mapped as select {LINE}, {selected}")
    return {column: kind for column, kind, *_ in connection.execute("describe mapped").fetchall()}


def require_same_rows(connection: duckdb.DuckDBPyConnection, landed: Landed, source: str) -> None:
    """Refuse a mapping that lost, multiplied or renumbered rows; ``source`` is a relation with its ``file_line``."""
    given, distinct, unknown = connection.execute(f"""
        select count(*), count(distinct {LINE}), count(*) filter (where {LINE} is null) from {source}
    """).fetchall()[0]
    if (given, distinct, unknown) != (landed.rows, landed.rows, 0):
        raise FileRefusedError(
            f"the mapping has to give one row with its {LINE} for each of the file's {landed.rows:,} rows; it gives "
            f"{given:,} rows with {distinct:,} different line numbers. Refuse a row by a reject_reason, not by a filter"
        )


def _by_columns(contract: TouchpointContract, spec: Touchpoint, shop: Shop, landed: Landed) -> str:
    expressions, missing = [], []
    for column in contract.incoming:
        theirs = spec.columns.get(column.name, column.name)
        if theirs in landed.columns:
            expressions.append(f"{sql.name(theirs)} as {sql.name(column.name)}")
        elif column.name in spec.columns or (column.required and column.default is None):
            taken = set(spec.columns.values()) | {each.name for each in contract.incoming}
            free = [name for name in landed.columns if name not in taken]
            missing.append(_missing(theirs, column.name, free))
        else:
            expressions.append(_absent(column, shop))
    if spec.known_at and spec.known_at not in landed.columns:
        missing.append(_missing(spec.known_at, "known_at", landed.columns))
    if missing:
        raise FileRefusedError(f"{'; '.join(missing)}. The file has: {', '.join(landed.columns)}")
    known_at = sql.name(spec.known_at) if spec.known_at else "null"
    return f"{', '.join(expressions)}, {known_at} as known_at, null::varchar as reject_reason from landed"


def _missing(theirs: str, ours: str, columns: Iterable[str]) -> str:
    mapped = "" if theirs == ours else f" (for {ours})"
    return f"the file has no column {theirs!r}{mapped}{_likely(columns, theirs, ours)}"


def _absent(column: Column, shop: Shop) -> str:
    default = shop.currency if column.default == "shop.currency" else column.default
    value = "null" if default is None else sql.text(default)
    return f"{value}::varchar as {sql.name(column.name)}"


def _run_mapping(connection: duckdb.DuckDBPyConnection, contract: TouchpointContract, statement: str) -> list[str]:
    try:
        parsed = duckdb.extract_statements(statement)
        if len(parsed) != 1 or parsed[0].type != duckdb.StatementType.SELECT:
            raise FileRefusedError(f"{contract.name}.sql has to be one select statement over the relation landed")
        select = parsed[0].query.strip().rstrip(";")
        connection.execute(f"create or replace temp view given as from (\n{select}\n)")
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException) as error:
        raise FileRefusedError(f"{contract.name}.sql: {str(error).split('LINE', 1)[0].strip()}") from None
    return [column for column, *_ in connection.execute("describe given").fetchall()]


def _completed(contract: TouchpointContract, spec: Touchpoint, shop: Shop, given: list[str]) -> str:
    incoming = {column.name: column for column in contract.incoming}
    for column in given:
        if column not in (LINE, *EXTRAS, *incoming):
            likely = _likely((*incoming, *EXTRAS), column)
            raise FileRefusedError(f"{contract.name}.sql gives {column!r}, which the contract does not have{likely}")
    needed = [LINE, *(["known_at"] if spec.known_at else [])]
    needed += [name for name, column in incoming.items() if column.required and column.default is None]
    if lacking := [name for name in needed if name not in given]:
        raise FileRefusedError(f"{contract.name}.sql has to give the column(s) {', '.join(lacking)}")
    columns = [sql.name(name) if name in given else _absent(column, shop) for name, column in incoming.items()]
    extras = [extra if extra in given else f"null::varchar as {extra}" for extra in EXTRAS]
    return f"{', '.join([*columns, *extras])} from given"


def _likely(names: Iterable[str], *wanted: str) -> str:
    by_plain = {_plain(name): name for name in names}
    for name in wanted:
        if near := difflib.get_close_matches(_plain(name), by_plain, 1, 0.6):
            return f", did you mean {by_plain[near[0]]!r}?"
    return ""


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())
