"""Rows that say again what is known already, and those that say it otherwise.

Belongs here: the relations ``corrected`` and ``repeated`` (``file_line``), from the file itself and from earlier
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
    """Earlier batches that can hold a row of ``sound``: of an append-only touchpoint those whose instants overlap."""
    (first, last) = connection.execute("select min(occurred_at), max(occurred_at) from sound").fetchall()[0]
    if first is None:
        return []
    return [
        rows_path(state, batch)
        for batch in known
        if batch.accepted and (contract.mutable or batch.overlaps(first, last))
    ]


def find_corrected(
    connection: duckdb.DuckDBPyConnection, contract: TouchpointContract, earlier: Sequence[Path]
) -> None:
    """Make the table ``corrected``: rows of ``sound`` that are another version of what an earlier batch has."""
    connection.execute(f"create or replace temp table corrected as select {LINE} from sound where false")
    if not earlier:
        return
    connection.execute(f"""
        insert into corrected
        select {LINE} from sound
        where exists (
            select 1 from read_parquet([{_files(earlier)}]) as known where {_same(contract, "known", "sound")}
        )
    """)


def find_repeated(connection: duckdb.DuckDBPyConnection, contract: TouchpointContract, earlier: Sequence[Path]) -> None:
    """Make the table ``repeated`` out of the view ``fresh`` (rows that break no rule) and earlier batches.

    ``row_hash`` covers every column of the contract, so equal hash means equal key. Within the file the row with
    the earliest ``known_at`` stays, then the first in file order. Content that comes back after another is a version,
    unless the first row of a key is all that counts: gold, silver, gold is three versions.
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
    if earlier:
        # An equal row has an equal instant, which narrows what is read of a long history.
        instant = sql.name(contract.occurred_at)
        within = f"{instant} between (select min({instant}) from fresh) and (select max({instant}) from fresh)"
        connection.execute(f"""
            insert into repeated
            select {LINE} from fresh
            where row_hash in (
                select row_hash from read_parquet([{_files(earlier)}]) where {instant} is null or {within}
            )
        """)
    if not contract.counts_once:
        _keep_what_returns(connection, contract, earlier)


def _keep_what_returns(
    connection: duckdb.DuckDBPyConnection, contract: TouchpointContract, earlier: Sequence[Path]
) -> None:
    """Take out of ``repeated`` what says otherwise than the version that stood when it was said.

    Versions of a key follow each other as they are read later: by the instant that a version has of its own, then by
    when they were known. What was told at one instant stands together: a log that tells all states of an order again
    takes nothing back as long as the newest is among them. A row known before all others overtakes none of them.
    """
    key, clock = sql.names(contract.key), ("happened_at", "known_at")
    told = f"{key}, {'occurred_at' if contract.mutable else 'null::timestamp'} as happened_at, known_at, row_hash"
    known = f"""
        union all
        select {told}, null from read_parquet([{_files(earlier)}]) as known
        where exists (select 1 from asked where {_same(contract, "asked", "known")})
    """
    connection.execute(f"""
        create or replace temp table asked as
        select distinct {key} from fresh where {LINE} in (from repeated);

        create or replace temp table told as
        with every as (
            select {told}, {LINE} from fresh
            where exists (select 1 from asked where {_same(contract, "asked", "fresh")})
            {known if earlier else ""}
        ),
        changing as (select {key} from every group by all having min(row_hash) <> max(row_hash))
        select * from every where exists (select 1 from changing where {_same(contract, "changing", "every")});

        delete from repeated where {LINE} in (
            with instants as (
                select
                    {key}, {sql.names(clock)},
                    list(distinct row_hash) as said,
                    list(distinct row_hash) filter ({LINE} is null) as said_before,
                    list(distinct row_hash) filter ({LINE} is not null) as said_now
                from told
                group by all
            ),
            standing as (
                select
                    *,
                    coalesce(said_before, lag(said) over (partition by {key} order by {sql.names(clock)})) as stood
                from instants
            )
            select min(told.{LINE})
            from told
            inner join standing on {_same(contract, "told", "standing", *clock)}
            where told.{LINE} is not null
                and not list_has_all(standing.said_now, standing.stood)
                and not coalesce(list_contains(standing.said_before, told.row_hash), false)
            group by told.row_hash, told.happened_at, told.known_at
        )
    """)


def _files(batches: Sequence[Path]) -> str:
    return ", ".join(map(sql.file, batches))


def _same(contract: TouchpointContract, left: str, right: str, *more: str) -> str:
    """The rows of two relations have the same key; of some touchpoints a part of it may be null."""
    columns = map(sql.name, (*contract.key, *more))
    return " and ".join(f"{left}.{column} is not distinct from {right}.{column}" for column in columns)
