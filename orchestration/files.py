"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq


def write_text_atomically(path: Path, text: str) -> None:
    """Write a small text file by one rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)  # noqa: PTH105 - the one atomic step, named as such


def write_parquet_atomically(path: Path, table: pa.Table) -> None:
    """Write an Arrow table by one rename; the same table gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    pq.write_table(table, temporary, compression="zstd", row_group_size=122_880)
    os.replace(temporary, path)  # noqa: PTH105


def copy_atomically(connection: duckdb.DuckDBPyConnection, select: str, path: Path) -> int:
    """Write an ordered select to Parquet by one rename; the same rows give the same bytes with any number of threads.

    Returns
    -------
    int
        Rows written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    copied = connection.execute(
        f"copy ({select}) to '{temporary}' (format parquet, compression zstd, row_group_size 122880)"
    ).fetchone()
    os.replace(temporary, path)  # noqa: PTH105
    return int(copied[0]) if copied else 0
