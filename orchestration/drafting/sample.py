"""A file as far as it must be known to guess what it is: its columns, and some values of each.

Belongs here: reading, with the landing's own reader. Does not belong here: what the values mean (``content``).
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.landing import casts, sql
from orchestration.landing.errors import FileRefusedError, explained
from orchestration.landing.integrity import fingerprint
from orchestration.landing.reader import LINE, read

SAMPLED_ROWS = 2_000


@dataclass(frozen=True)
class Column:
    """One column of a file."""

    name: str
    data_type: str
    """DuckDB type; VARCHAR for every column of a text file."""
    values: tuple[str, ...]
    """Values of rows spread evenly over the file, as trimmed text, empty cells left out."""
    distinct: int
    """Different values in the whole file."""
    filled: int
    """Rows of the whole file with a value."""


@dataclass(frozen=True)
class Sample:
    """One file."""

    path: Path
    rows: int
    encoding: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def sample(path: Path, connection: duckdb.DuckDBPyConnection) -> Sample:
    """Look at a file; text that is not UTF-8 is taken for Windows-1252.

    Raises
    ------
    FileRefusedError
        The landing could not read it either, or there is no row to judge by; the message says why.
    """
    connection.execute("set TimeZone = 'UTC'; set preserve_insertion_order = true; set enable_progress_bar = false")
    with tempfile.TemporaryDirectory() as scratch, explained(path.name):
        encoding = "utf-8"
        try:
            seen = fingerprint(path)
        except FileRefusedError as error:
            if "is not UTF-8" not in str(error):
                raise
            encoding = "windows-1252"
            seen = fingerprint(path, encoding)
        landed = read(connection, path, seen, Path(scratch), encoding)
        if not landed.rows:
            raise FileRefusedError(
                "it has no row that tells anything" if landed.malformed else "it has columns, no row"
            )
        types = {name: kind for name, kind, *_ in connection.execute("describe landed").fetchall()}
        texts = {name: f"nullif({casts.text(sql.name(name), types[name])}, '')" for name in landed.columns}
        columns = tuple(_column(connection, name, types[name], texts[name], landed.rows) for name in landed.columns)
    return Sample(path, landed.rows, encoding, columns)


def _column(connection: duckdb.DuckDBPyConnection, name: str, data_type: str, text: str, rows: int) -> Column:
    step = max(1, rows // SAMPLED_ROWS)
    distinct, filled = connection.execute(f"select count(distinct {text}), count({text}) from landed").fetchall()[0]
    found = connection.execute(f"""
        select {text} as value from landed where {LINE} % {step} = 0 and {text} is not null order by {LINE}
    """).fetchall()
    return Column(name, data_type, tuple(value for (value,) in found), distinct, filled)
