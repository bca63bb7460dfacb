"""Parquet and CSV files as DuckDB reads them, and what is wrong with them in words.

Belongs here: columns that are missing, rows that lack a value. Does not belong here: what the columns mean
(``files``).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from ml.recommender.evaluation.errors import LogError

if TYPE_CHECKING:
    import duckdb


TEXTS, DELIMITERS = (".csv", ".tsv"), (",", ";", "\t", "|")
ROW = "row number of regulars"
"""No file has a column of that name."""


def connect() -> duckdb.DuckDBPyConnection:
    """A database in memory to read files with."""
    import duckdb

    return duckdb.connect(config={"threads": 2})


def relation(path: Path) -> str:
    """The file in SQL: Parquet by its suffix, else CSV, of which every column is text."""
    quoted = re.sub(r"([\[*?])", r"[\1]", str(path)).replace("'", "''")  # a name, no pattern
    if path.suffix == ".parquet":
        return f"read_parquet('{quoted}')"
    return f"read_csv('{quoted}', header = true, all_varchar = true, strict_mode = true)"


def name_in_sql(column: str) -> str:
    """A column's name in quotes."""
    return '"' + column.replace('"', '""') + '"'


def ask(connection: duckdb.DuckDBPyConnection, path: Path, query: str) -> duckdb.DuckDBPyConnection:
    """Execute what reads the file.

    Raises
    ------
    LogError
        It cannot be read to its end as what it is.
    """
    import duckdb

    try:
        return connection.execute(query)
    except duckdb.Error as error:
        told = " ".join(line.strip() for line in str(error).splitlines()[:3] if line.strip())
        raise LogError(f"{path} cannot be read: {told}") from error


def columns_of(connection: duckdb.DuckDBPyConnection, path: Path, table: str) -> dict[str, str]:
    """Names of the columns and their types.

    Raises
    ------
    LogError
        It is no table, or a row of it has more or fewer values than columns.
    """
    if not path.stat().st_size:
        raise LogError(f"{path} is empty")
    try:
        return {row[0]: row[1] for row in ask(connection, path, f"describe select * from {table}").fetchall()}
    except LogError:
        _require_even(path)
        raise


def _require_even(path: Path) -> None:
    """Refuse a text in which a line has more or fewer values than the first: DuckDB, which guesses what separates
    values, then takes another line for the head, or all of each for one value."""
    if path.suffix not in TEXTS:
        return
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        head = file.readline()
        delimiter = max(DELIMITERS, key=head.count)
        names = next(csv.reader([head], delimiter=delimiter))
        lines = csv.reader(file, delimiter=delimiter)
        for row in lines:
            if row and len(row) != len(names):
                raise LogError(
                    f"{path}, line {lines.line_num + 1:,}: {len(row)} values where the first line has {len(names)}; "
                    "values that hold a separator are to stand in quotes"
                )


def as_text(column: str, kind: str) -> str:
    """A column as text; whole numbers without a point, as pandas makes them floats where one is missing."""
    name = name_in_sql(column)
    text = f"cast({name} as varchar)"
    if kind not in ("DOUBLE", "FLOAT"):
        return text
    return (
        f"case when {name} = trunc({name}) and abs({name}) < 1e15 then cast({name} as bigint)::varchar else {text} end"
    )


def require(path: Path, known: Collection[str], name: str, role: str) -> None:
    """Refuse a file that lacks a column."""
    if name not in known:
        _require_even(path)
        raise LogError(
            f"{path} has no column {name!r} for the {role}; it has {', '.join(known)}. "
            f"Say which one it is with --{role}"
        )


def complete(
    connection: duckdb.DuckDBPyConnection, path: Path, table: str, used: dict[str, str], min_rating: float | None
) -> None:
    """Refuse a file with a row that lacks what it needs; the first that does is named."""
    columns = {role: name_in_sql(used[role]) for role in ("user", "item", "time", "order", "basket") if role in used}
    nothing = "{0} is null or trim({0}::varchar) = '' or (typeof({0}) in ('DOUBLE', 'FLOAT') and {0}::varchar = 'nan')"
    wanted = {role: nothing.format(column) for role, column in columns.items()}
    if min_rating is not None:
        number = f"try_cast({name_in_sql(used['rating'])} as double)"
        wanted["rating"] = f"({number} is null or isnan({number}))"
    for role, broken in wanted.items():
        numbered = f"select *, row_number() over () as {name_in_sql(ROW)} from {table}"
        found = ask(
            connection, path, f"select count(*), min({name_in_sql(ROW)}) from ({numbered}) where {broken}"
        ).fetchone()
        if found and found[0]:
            raise LogError(
                f"{path}: {found[0]:,} rows have no {used[role]} that can be read, first row {found[1]:,}; "
                "fill them or leave them out"
            )
