"""A file of any format as the relation ``landed``: its own columns and the line of each row.

Belongs here: CSV, JSON lines, Parquet; rows that are none (``malformed``). Does not belong here: canonical
names (``mapping``), rules (``checks``).

Text files are read once, in file order, into a scratch Parquet file with every column as text; what follows
streams from there with all threads. Parquet files are read where they lie.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.landing import sql
from orchestration.landing.errors import FileRefusedError
from orchestration.landing.integrity import Fingerprint, is_compressed, opened, plain_copy

LINE = "file_line"
"""Number of the row's line in the file (Parquet: of the row), from 1; a mapping carries it through."""
DELIMITERS = ",;\t|"
MAX_LINE_BYTES = 16_000_000
UNCLOSED = "a quote that is not closed"
BUFFER_BYTES = 2 * MAX_LINE_BYTES
"""What the engine reads at a time; by itself it would take the room of sixteen of the longest lines, for any file."""


@dataclass(frozen=True)
class Landed:
    """A file as it lies before DuckDB: the views ``landed`` and ``malformed`` of the connection.

    ``landed`` has ``file_line`` and the file's columns; ``malformed`` has file_line, rule and raw (text), and
    ``further``: how many lines below file_line, as a quote that is not closed takes all that follow with it. Where
    lines of a CSV file are not rows (line breaks in cells, blank lines, malformed rows), ``file_line`` counts
    rows; ``lines.physical_lines`` turns it into lines of the file for the few rows that need it.
    """

    columns: tuple[str, ...]
    rows: int
    malformed: int
    csv: Path | None = None
    """The CSV file to look lines up in, where ``file_line`` may not be the line."""


def read(
    connection: duckdb.DuckDBPyConnection, path: Path, seen: Fingerprint, scratch: Path, encoding: str = "utf-8"
) -> Landed:
    """Make a file readable as ``landed`` and ``malformed``.

    Raises
    ------
    FileRefusedError
        Neither columns nor rows, no usable header, a damaged file.
    """
    if seen.has_mixed_line_endings or (encoding != "utf-8" and seen.format != "parquet"):
        path = plain_copy(path, scratch, encoding)
    read_format = {"csv": _read_csv, "jsonl": _read_json_lines, "parquet": _read_parquet}[seen.format]
    columns = read_format(connection, path, scratch / "landed.parquet")
    rows, malformed = (_count(connection, view) for view in ("landed", "malformed"))
    if not columns and rows + malformed == 0:
        raise FileRefusedError("the file has no rows")  # with columns it is a day on which nothing happened
    is_counted = seen.format != "csv" or (seen.has_a_row_a_line and not malformed)
    return Landed(columns, rows, malformed, None if is_counted else path)


def header(path: Path, encoding: str = "utf-8") -> tuple[list[str], str]:
    """Column names of a CSV file and its delimiter: the one that parts the first line into most names."""
    with (
        opened(path) as file,
        io.TextIOWrapper(file, encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="") as lines,
    ):
        first = next(iter(lines), "")
        parted = {mark: next(csv.reader([first], delimiter=mark), []) for mark in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda mark: len(parted[mark]))
    columns = [column.strip() or f"column {place}" for place, column in enumerate(parted[delimiter], start=1)]
    _refuse_repeated(columns)
    return columns, delimiter


def lines_of(path: Path) -> str:
    """SQL for every line of a text file as one column ``line_text`` (null where blank), in file order."""
    return (
        f"read_csv({sql.file(path)}, {_compression(path)}, "
        f"auto_detect = false, header = false, columns = {{'line_text': 'varchar'}}, "
        f"delim = '\x01', quote = '', escape = '', strict_mode = false, max_line_size = {MAX_LINE_BYTES}, "
        f"buffer_size = {BUFFER_BYTES})"
    )


def _compression(path: Path) -> str:
    return f"compression = '{'gzip' if is_compressed(path) else 'none'}'"


def _read_csv(connection: duckdb.DuckDBPyConnection, path: Path, landed: Path) -> tuple[str, ...]:
    columns, delimiter = header(path)
    if not columns:
        raise FileRefusedError("the first line is blank; it has to hold the column names")
    types = ", ".join(f"{sql.text(column)}: 'varchar'" for column in columns)
    connection.execute(f"""
        copy (
            from read_csv({sql.file(path)}, {_compression(path)}, auto_detect = false, header = true,
                columns = {{{types}}}, delim = {sql.text(delimiter)}, quote = '"', escape = '"', strict_mode = true,
                max_line_size = {MAX_LINE_BYTES}, buffer_size = {BUFFER_BYTES}, store_rejects = true, rejects_limit = 0)
        ) to {sql.text(str(landed))} (format parquet)
    """)
    # The engine keeps the order of the file, so the place in the copy is the place in the file.
    connection.execute(f"""
        create or replace temp view landed as
        select file_row_number + 2 as {LINE}, {sql.names(columns)}
        from read_parquet({sql.file(landed)}, file_row_number = true);
        create or replace temp view broken_rows as
        select
            line::bigint as {LINE},
            'malformed: ' || case first(error_type order by column_idx, error_type::varchar)::varchar
                when 'TOO MANY COLUMNS' then 'more fields than the header has'
                when 'MISSING COLUMNS' then 'fewer fields than the header has'
                when 'UNQUOTED VALUE' then '{UNCLOSED}'
                when 'LINE SIZE OVER MAXIMUM' then 'longer than {MAX_LINE_BYTES} bytes'
                else 'no valid CSV'
            end as rule,
            ltrim(first(csv_line order by column_idx), E'\\r\\n') as raw
        from reject_errors
        group by line;
        create or replace temp view malformed as
        select {LINE}, further, rule, rtrim(raw, E'\\r') as raw
        from (
            select {LINE}, rule, unnest(range(len(parts))) as further, unnest(parts) as raw
            from (
                select
                    *,
                    if(rule = 'malformed: {UNCLOSED}', string_split(rtrim(raw, E'\\r\\n'), chr(10)), [raw]) as parts
                from broken_rows
            )
        )
        where further = 0 or trim(raw, E' \\t\\r') <> ''
    """)
    return tuple(columns)


def _read_json_lines(connection: duckdb.DuckDBPyConnection, path: Path, landed: Path) -> tuple[str, ...]:
    connection.execute(f"""
        create or replace temp view lines as
        select
            line_text as " text",
            case when json_valid(line_text) then json_type(line_text) = 'OBJECT' else false end as " is object"
        from {lines_of(path)}
    """)
    _refuse_one_document(connection, path)
    found = connection.execute("""
        select distinct unnest(case when " is object" then json_keys(" text") end) as key from lines order by key
    """).fetchall()
    columns = [key for (key,) in found]
    _refuse_repeated(columns)
    pointers = ", ".join(sql.text("/" + column.replace("~", "~0").replace("/", "~1")) for column in columns)
    values = ", ".join(f"fields[{place}] as {sql.name(column)}" for place, column in enumerate(columns, start=1))
    connection.execute(f"""
        copy (
            select {values + "," if values else ""} " is object", if(" is object", null, " text") as " text"
            from (
                select *,
                    case when " is object" then json_extract_string(" text", [{pointers}]::varchar[]) end as fields
                from lines
            )
        ) to {sql.text(str(landed))} (format parquet)
    """)
    source = f"read_parquet({sql.file(landed)}, file_row_number = true)"
    connection.execute(f"""
        create or replace temp view landed as
        select file_row_number + 1 as {LINE}, {sql.names(columns) or "null"} from {source} where " is object";
        create or replace temp view malformed as
        select file_row_number + 1 as {LINE}, 0 as further, 'malformed: no JSON object' as rule, " text" as raw
        from {source} where not " is object" and trim(" text", E' \\t\\r\\n') <> ''
    """)
    return tuple(columns)


def _refuse_one_document(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Say so where a file is one JSON value over many lines, of which each line alone is none."""
    beginning = connection.execute("""
        select trim(" text", E' \\t\\r\\n') as first from lines where first <> '' limit 1
    """).fetchone()
    if beginning is None or not (beginning[0].startswith("[") or beginning[0] == "{"):
        return
    # A single odd line before good ones is no array.
    (good, every) = connection.execute("""
        select count(*) filter (where " is object"), count(*) from lines where trim(" text") <> ''
    """).fetchall()[0]
    if 2 * good < every:
        what, way = ("a JSON array", ".[]") if beginning[0].startswith("[") else ("JSON over several lines", ".")
        name = path.stem if is_compressed(path) else path.name
        raise FileRefusedError(
            f"the file is {what}; it has to hold one object per line, as `jq -c '{way}' {name}` writes it"
        )


def _read_parquet(connection: duckdb.DuckDBPyConnection, path: Path, landed: Path) -> tuple[str, ...]:
    del landed  # read where it lies
    source = f"read_parquet({sql.file(path)}, file_row_number = true)"
    described = connection.execute(f"describe select * from read_parquet({sql.file(path)})").fetchall()
    columns = [column for column, *_ in described]
    _refuse_repeated(columns)
    connection.execute(f"""
        create or replace temp view landed as
        select file_row_number + 1 as {LINE}, {sql.names(columns)} from {source};
        create or replace temp view malformed as
        select 0::bigint as {LINE}, 0 as further, '' as rule, '' as raw where false
    """)
    return tuple(columns)


def _refuse_repeated(columns: list[str]) -> None:
    # DuckDB's names know no case.
    repeated = [column for column, times in Counter(map(str.lower, columns)).items() if times > 1]
    if repeated:
        raise FileRefusedError(f"the column {repeated[0]!r} stands there twice (upper and lower case count as one)")
    if LINE in map(str.lower, columns):
        raise FileRefusedError(f"a column may not be called {LINE!r}, that is the number of the line; rename it")


def _count(connection: duckdb.DuckDBPyConnection, view: str) -> int:
    return connection.execute(f"select count(*) from {view}").fetchall()[0][0]
