"""Rows that say again what is known already, and those that say it otherwise.

Belongs here: the relations ``repeated`` and ``corrected`` (``file_line``), from the file itself and from earlier
batches. Does not belong here: what becomes of them (``batch``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from orchestration.landing import sql
from orchestration.landing.contract import TouchpointContract
from orchestration.landing.manifest import Manifest, rows_path
from orchestration.landing.reader import LINE
from orchestration.state import State


def batches_to_compare(
    connection: duckdb.DuckDBPyConnection, contract: TouchpointContract, known: Sequence[Manifest], state: State
) -> list[Path]:
    """Earlier batches that can hold a row of ``fresh``: of an append-only touchpoint those whose instants overlap."""
    (first, last) = connection.execute("select min(occurred_at), max(occurred_at) from fresh").fetchall()[0]
    if first is None:
        return []
    return [
        rows_path(state, batch)
        for batch in known
        if batch.accepted and (contract.mutable or batch.overlaps(first, last))
    ]


def find_repeated(connection: duckdb.DuckDBPyConnection, contract: TouchpointContract, earlier: Sequence[Path]) -> None:
    """Make the table ``repeated`` out of the view ``fresh`` (staged rows that break no rule) and earlier batches.

    ``row_hash`` covers every column of the contract, so equal hash means equal key. Within the file the row with
    the earliest ``known_at`` stays, then the first in file order. A mutable row without an instant of its own
    repeats an earlier batch only where that content is still the newest of its key: gold, silver, gold is three
    versions.
    """
    connection.execute(f"""
        create or replace temp table repeated as
        select {LINE}
        from (
            select {LINE}, row_number() over (partition by row_hash order by known_at, {LINE}) as place
            from fresh
            where row_hash in (select row_hash from fresh group by row_hash having count(*) > 1)
        )
        where place > 1
    """)
    if not earlier:
        return
    files = ", ".join(map(sql.file, earlier))
    key, instant = sql.names(contract.key), sql.name(contract.occurred_at)
    same = " and ".join(f"known.{sql.name(part)} is not distinct from fresh.{sql.name(part)}" for part in contract.key)
    # An equal row has an equal instant, which narrows what is read of a long history.
    within = f"between (select min({instant}) from fresh) and (select max({instant}) from fresh)"
    connection.execute(f"""
        insert into repeated
        select {LINE} from fresh
        where row_hash in (select row_hash from read_parquet([{files}]) where {instant} {within})
    """)
    if not contract.mutable:
        return
    connection.execute(f"""
        insert into repeated
        with known as (
            select {key}, arg_max(row_hash, (occurred_at, known_at, row_hash)) as row_hash
            from read_parquet([{files}]) as known
            where exists (select 1 from fresh where {same})
            group by {key}
        )
        select {LINE} from fresh where {instant} is null and row_hash in (select row_hash from known)
    """)


def find_corrected(
    connection: duckdb.DuckDBPyConnection, contract: TouchpointContract, earlier: Sequence[Path]
) -> None:
    """Make the table ``corrected``: rows of ``fresh`` that are another version of what an earlier batch has."""
    connection.execute(f"create or replace temp table corrected as select {LINE} from fresh where false")
    if not earlier:
        return
    same = " and ".join(f"known.{sql.name(part)} is not distinct from fresh.{sql.name(part)}" for part in contract.key)
    files = ", ".join(map(sql.file, earlier))
    connection.execute(f"""
        insert into corrected
        select {LINE} from fresh
        where exists (select 1 from read_parquet([{files}]) as known where {same})
    """)
