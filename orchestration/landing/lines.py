"""Where in a CSV file a row stands, to the line.

Belongs here: the way from the number of a record to the number of its first line. It costs a pass over the
file and is taken only when a row has to be named. Does not belong here: reading (``reader``).
"""

from __future__ import annotations

import duckdb

from orchestration.landing.reader import LINE, Landed, lines_of


def physical_lines(connection: duckdb.DuckDBPyConnection, landed: Landed) -> None:
    """Make the temporary tables ``landed_lines`` and ``malformed_lines``: file_line -> line.

    A line begins a record where the number of quotes before it is even (RFC 4180). DuckDB counts ``landed`` by
    accepted records and ``malformed`` by all records, blank lines included. After a quote that is never closed no
    count is certain; where the totals disagree, the record's number stands for the line.
    """
    if landed.csv is None:
        for view in ("landed", "malformed"):
            connection.execute(f"create or replace temp view {view}_lines as select {LINE}, {LINE} as line from {view}")
        return
    blank = "is_blank" if len(landed.columns) > 1 else "false"
    connection.execute(f"""
        create or replace temp table record_starts as
        with lines as (
            select
                row_number() over () as line,
                coalesce(line_text, '') = '' as is_blank,
                coalesce(length(line_text) - length(replace(line_text, '"', '')), 0) as quotes
            from {lines_of(landed.csv)}
        ),
        parted as (select *, sum(quotes) over (order by line) - quotes as quotes_before from lines)
        select line, is_blank, row_number() over (order by line) as record from parted where quotes_before % 2 = 0;

        create or replace temp table malformed_lines as
        select distinct malformed.{LINE}, coalesce(record_starts.line, malformed.{LINE}) as line
        from malformed left join record_starts on record_starts.record = malformed.{LINE};

        create or replace temp table accepted_starts as
        select line, 1 + row_number() over (order by line) as {LINE}
        from record_starts
        where record > 1 and not {blank} and record not in (select {LINE} from malformed)
    """)
    (starts,) = connection.execute("select count(*) from accepted_starts").fetchall()[0]
    source = "accepted_starts" if starts == landed.rows else f"(select {LINE}, {LINE} as line from landed)"
    connection.execute(f"create or replace temp view landed_lines as select {LINE}, line from {source}")
