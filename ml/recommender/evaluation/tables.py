"""Parquet and CSV files as DuckDB reads them, and what is wrong with them in words.

Belongs here: columns that are missing, rows that lack a value. Does not belong here: what the columns mean
(``files``).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ml.recommender.evaluation.errors import LogError

if TYPE_CHECKING:
    import duckdb


def connect() -> duckdb.DuckDBPyConnection:
    """A database in memory to read files with."""
    import duckdb

    return duckdb.connect(config={"threads": 2})


def relation(path: Path) -> str:
    """The file in SQL: Parquet by its suffix, else CSV, of which every column is text."""
    quoted = str(path).replace("'", "''")
    if path.suffix == ".parquet":
        return f"read_parquet('{quoted}')"
    return f"read_csv('{quoted}', header = true, all_varchar = true, strict_mode = true)"


def columns_of(connection: duckdb.DuckDBPyConnection, path: Path, table: str) -> list[str]:
    """Names of the columns.

    Raises
    ------
    LogError
        It is no table.
    """
    import duckdb

    try:
        return [row[0] for row in connection.execute(f"describe select * from {table}").fetchall()]
    except duckdb.Error as error:
        raise LogError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error


def require(path: Path, known: list[str], name: str, role: str) -> None:
    """Refuse a file that lacks a column."""
    if name not in known:
        raise LogError(
            f"{path} has no column {name!r} for the {role}; it has {', '.join(known)}. "
            f"Say which one it is with --{role}"
        )


def complete(
    connection: duckdb.DuckDBPyConnection, path: Path, table: str, used: dict[str, str], min_rating: float | None
) -> None:
    """Refuse a file with a row that lacks what it needs; the first that does is named."""
    wanted = {role: f'"{used[role]}" is null' for role in ("user", "item", "time", "order", "basket") if role in used}
    if min_rating is not None:
        number = f'try_cast("{used["rating"]}" as double)'
        wanted["rating"] = f"({number} is null or isnan({number}))"
    for role, broken in wanted.items():
        found = connection.execute(
            f"select count(*), min(line) from (select *, row_number() over () as line from {table}) where {broken}"
        ).fetchone()
        if found and found[0]:
            raise LogError(
                f"{path}: {found[0]:,} rows have no {used[role]} that can be read, first row {found[1]:,}; "
                "fill them or leave them out"
            )
