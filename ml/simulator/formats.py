"""Rows as the bytes of a file: CSV, JSON lines, Parquet, gzip.

Belongs here: text of each type, escaping, compression without a clock in it. Does not belong here: which rows
go to which file (``landing_files``).
"""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from ml.simulator.columns import INSTANT
from ml.simulator.layouts import Instants, Layout
from ml.simulator.seasons import Calendar

JSON_PLAIN = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
"""Types that JSON writes without quotation marks."""


def as_text(table: pa.Table, instants: Instants, calendar: Calendar) -> pa.Table:
    """Every column as text, null where null."""
    return pa.table({name: _text(table[name].combine_chunks(), instants, calendar) for name in table.column_names})


def as_typed(table: pa.Table, instants: Instants, calendar: Calendar) -> pa.Table:
    """Parquet's types: instants as naive local timestamps or as UTC ones."""
    columns = {}
    for name in table.column_names:
        column = table[name].combine_chunks()
        if column.type == INSTANT and instants == "typed utc":
            column = pc.assume_timezone(_utc(column, calendar), "UTC")
        columns[name] = (
            column.cast(pa.timestamp("us", column.type.tz)) if pa.types.is_timestamp(column.type) else column
        )
    return pa.table(columns)


def _text(column: pa.Array, instants: Instants, calendar: Calendar) -> pa.Array:
    if column.type != INSTANT:
        return column.cast(pa.string())
    if instants == "zulu":
        return pc.binary_join_element_wise(_with_t(_utc(column, calendar)), pa.scalar("Z"), "")
    if instants == "local":
        return column.cast(pa.string())
    offsets, which = np.unique(calendar.offset_of(_seconds(column)), return_inverse=True)
    return pc.binary_join_element_wise(
        _with_t(column), pa.array([_offset(int(seconds)) for seconds in offsets]).take(pa.array(which)), ""
    )


def _with_t(column: pa.Array) -> pa.Array:
    # The cast is several times faster than strftime; it parts day and time by a blank.
    return pc.binary_replace_slice(column.cast(pa.string()).cast(pa.binary()), 10, 11, b"T").cast(pa.string())


def _offset(seconds: int) -> str:
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02d}:{minutes:02d}"


def _seconds(column: pa.Array) -> np.ndarray:
    return cast(np.ndarray, column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False))


def _utc(column: pa.Array, calendar: Calendar) -> pa.Array:
    seconds = calendar.to_utc(_seconds(column))
    return pa.array(seconds, mask=np.asarray(column.is_null())).cast(INSTANT)


def csv_bytes(table: pa.Table, with_header: bool) -> bytes:
    sink = io.BytesIO()
    pacsv.write_csv(
        table, sink, pacsv.WriteOptions(include_header=with_header, quoting_style="needed", batch_size=1 << 20)
    )
    return sink.getvalue()


def json_lines(table: pa.Table, plain: set[str]) -> bytes:
    """One object per row with every column in order; ``plain`` columns are written without quotation marks."""
    if not table.num_rows:
        return b""
    parts: list[Any] = []
    for place, name in enumerate(table.column_names):
        value = table[name].combine_chunks()
        if name not in plain:
            escaped = pc.replace_substring(pc.replace_substring(value, "\\", "\\\\"), '"', '\\"')
            value = pc.binary_join_element_wise(pa.scalar('"'), escaped, pa.scalar('"'), "")
        parts += [
            pa.scalar(("{" if place == 0 else ", ") + json.dumps(name, ensure_ascii=False) + ": "),
            pc.fill_null(value, "null"),
        ]
    lines = pc.binary_join_element_wise(*parts, pa.scalar("}\n"), "")
    # The text of a fresh string array lies in one piece.
    text: bytes = lines.buffers()[2].to_pybytes()
    return text


def plain_columns(table: pa.Table) -> set[str]:
    return {field.name for field in table.schema if any(is_type(field.type) for is_type in JSON_PLAIN)}


class TextFile:
    """A CSV or JSON lines file, compressed where its name says so, that grows block by block."""

    def __init__(self, path: Path, layout: Layout):
        self.layout, self.is_new = layout, True
        self._file = path.open("wb")
        packed = layout.suffix.endswith(".gz")
        # No name and no time in the header: the same rows give the same bytes.
        self._sink: BinaryIO = cast(BinaryIO, gzip.GzipFile("", "wb", 4, self._file, mtime=0)) if packed else self._file

    def append(self, table: pa.Table, plain: set[str], malformed: list[str]) -> None:
        """Rows as text, then lines that are no rows."""
        is_csv = self.layout.suffix.startswith("csv")
        self._sink.write(csv_bytes(table, self.is_new) if is_csv else json_lines(table, plain))
        self._sink.write("".join(line + "\n" for line in malformed).encode())
        self.is_new = False

    def close(self) -> None:
        self._sink.close()
        self._file.close()


class ParquetFile:
    """A Parquet file that grows by a row group per block."""

    def __init__(self, path: Path):
        self._path = path
        self._writer: pq.ParquetWriter | None = None

    def append(self, table: pa.Table) -> None:
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema, compression="zstd")
        self._writer.write_table(table)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
