"""The landing folder: which rows go to which file, with the duplicates and bad rows that the truth counts.

Belongs here: cutting by period, overlaps, duplicates, dirt, counting, appearing by rename. Does not belong
here: formats (``formats``), the list of faults (``dirt``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml.simulator.block import Emitted, World
from ml.simulator.columns import at
from ml.simulator.dirt import FAULTS, MALFORMED_CSV, Fault
from ml.simulator.draws import stream
from ml.simulator.formats import ParquetFile, TextFile, as_text, as_typed, csv_bytes, json_lines, plain_columns
from ml.simulator.layouts import LAYOUTS, Layout

Ints = npt.NDArray[np.int64]


@dataclass
class FileCount:
    """What one file holds; ``rows`` is all of it."""

    touchpoint: str
    rows: int = 0
    duplicates: int = 0
    """Rows whose content stands earlier in this file, or in a file whose name comes before."""
    dirty: Counter[str] = field(default_factory=Counter)
    """By rule."""

    def as_json(self) -> dict[str, Any]:
        dirty = dict(sorted(self.dirty.items()))
        return {"touchpoint": self.touchpoint, "rows": self.rows, "duplicates": self.duplicates, "dirty": dirty}


class LandingFiles:
    """Open files of a landing folder; nothing appears under its name before ``publish``."""

    def __init__(self, world: World, folder: Path):
        self.world, self.folder = world, folder
        self.counts: dict[str, FileCount] = {}
        self._files: dict[str, TextFile | ParquetFile] = {}
        self._next_fault: Counter[str] = Counter()

    def emit(self, kind: str, emitted: Emitted, block: int = 0) -> None:
        """Append one block's rows of one kind to the files of their periods."""
        layout = LAYOUTS[kind]
        rows, day = emitted
        if not len(day):
            return
        known = at(self.world.calendar, day + 1, np.full(len(day), layout.export_second))
        missing = pa.nulls(len(day), pa.string())
        table = pa.table({layout.name(c): rows.get(c, missing) for c in layout.columns} | {layout.known_at: known})
        order = np.argsort(day, kind="stable")
        table, day = table.take(pa.array(order)), day[order]
        random = stream(self.world.config.seed, f"dirt {kind}", block)
        for period, first, last, again in self._periods(layout, day):
            self._append(kind, period, table.slice(first - again, last - first + again), again, random)

    def _periods(self, layout: Layout, day: Ints) -> list[tuple[str, int, int, int]]:
        """Name, first and last row of each period, and how many rows before the first it repeats."""
        labels, starts = periods(self.world.calendar.start, self.world.config.days, layout.period)
        bounds = np.r_[0, np.searchsorted(day, starts[1:]), len(day)]
        found = []
        for label, start, first, last in zip(labels, starts, bounds[:-1], bounds[1:], strict=True):
            again = int(first - np.searchsorted(day, start - 1)) if layout.overlaps and start > 0 else 0
            if last > first:
                found.append((label, int(first), int(last), again))
        return found

    def _append(self, kind: str, period: str, table: pa.Table, again: int, random: np.random.Generator) -> None:
        layout, config = LAYOUTS[kind], self.world.config
        name, n = layout.file_name(period), table.num_rows
        count = self.counts.setdefault(name, FileCount(layout.touchpoint))
        twice = np.flatnonzero(random.random(n) < config.duplicate_share)
        dirty = int(np.ceil(config.dirty_share * n))
        templates = random.permutation(n)[:dirty]
        faults = [self._fault(kind) for _ in templates]
        count.rows += n + len(twice) + len(faults)
        count.duplicates += again + len(twice)
        count.dirty.update(fault.rule for fault in faults)
        plain = plain_columns(table)
        render = as_typed if layout.suffix == "parquet" else as_text
        good = render(table, layout.instants, self.world.calendar)
        lines = [(good.slice(int(row), 1), fault) for row, fault in zip(templates, faults, strict=True)]
        bad = [_spoil(line, layout, fault, plain) for line, fault in lines if not fault.is_malformed]
        whole = pa.concat_tables([good, good.take(pa.array(twice)), *bad])
        place = np.r_[np.arange(n), random.uniform(0, n, whole.num_rows - n)]
        whole = whole.take(pa.array(np.argsort(place, kind="stable")))
        file = self._open(name, layout)
        if isinstance(file, ParquetFile):
            file.append(whole)
        else:
            file.append(whole, plain, [_break(line, plain, fault) for line, fault in lines if fault.is_malformed])

    def _fault(self, kind: str) -> Fault:
        faults = FAULTS[kind]
        self._next_fault[kind] += 1
        return faults[(self._next_fault[kind] - 1) % len(faults)]

    def _open(self, name: str, layout: Layout) -> TextFile | ParquetFile:
        if name not in self._files:
            path = self.folder / _unfinished(name)
            self._files[name] = ParquetFile(path) if layout.suffix == "parquet" else TextFile(path, layout)
        return self._files[name]

    def publish(self) -> None:
        """Close all files and give them their names."""
        for file in self._files.values():
            file.close()
        for name in sorted(self._files):
            (self.folder / _unfinished(name)).replace(self.folder / name)


def periods(start: date, days: int, length: str) -> tuple[list[str], Ints]:
    """Labels of the periods and the first day of each; the first one also takes what lies before."""
    if length == "whole":
        return [""], np.array([0])
    labels: list[str] = []
    starts: list[int] = []
    for day in range(days):
        at_day = date.fromordinal(start.toordinal() + day)
        label = (
            f"{at_day.year}-{at_day.month:02d}" if length == "month" else f"{at_day.year}-q{(at_day.month + 2) // 3}"
        )
        if not labels or labels[-1] != label:
            labels.append(label)
            starts.append(day)
    return labels, np.array(starts)


def _unfinished(name: str) -> str:
    return f".{name}.part"


def _spoil(row: pa.Table, layout: Layout, fault: Fault, plain: set[str]) -> pa.Table:
    """The row with the fault's value in its column."""
    name = layout.name(fault.column)
    place = row.column_names.index(name)
    kind = row.schema.field(place).type
    value = fault.value
    if isinstance(value, str) and layout.suffix.startswith("jsonl") and name in plain:
        value = f'"{value}"'  # a word where numbers stand bare
    if value is not None and pa.types.is_string(kind):
        value = str(value)
    spoiled: pa.Table = row.set_column(
        place, name, pa.array([value], pa.int32() if isinstance(value, int) else None).cast(kind)
    )
    return spoiled


def _break(row: pa.Table, plain: set[str], fault: Fault) -> str:
    """The row as a line that its format does not allow: a field too many, or the second half missing."""
    if fault.rule == MALFORMED_CSV:
        return csv_bytes(row, with_header=False).decode().rstrip("\n") + ",overflow"
    line = json_lines(row, plain).decode().rstrip("\n")
    return line[: len(line) * 2 // 3]
