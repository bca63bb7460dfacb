"""Arrow columns out of numpy arrays: ids, instants, money, picks from lists.

Belongs here: the few conversions that every touchpoint's rows need. Does not belong here: which columns a
touchpoint has, and how they look in a file (``formats``). Instants are local seconds until they are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ml.simulator.seasons import Calendar

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Rows = dict[str, Any]
"""Canonical column name -> Arrow array; all of equal length."""

INSTANT = pa.timestamp("s")
MONEY = pa.decimal128(18, 2)


def numbered(prefix: str, numbers: npt.NDArray[Any], width: int = 9) -> pa.Array:
    """Ids such as ``O000000017``."""
    digits = pc.utf8_lpad(pc.cast(pa.array(np.asarray(numbers, np.int64)), pa.string()), width, "0")
    return pc.binary_join_element_wise(pa.scalar(prefix), digits, pa.scalar(""))


def instants(local_seconds: Ints, present: Bools | None = None) -> pa.Array:
    """Instants; null where not present."""
    return pa.array(local_seconds, mask=None if present is None else ~present).cast(INSTANT)


def at(calendar: Calendar, day: Ints, second: Ints, present: Bools | None = None) -> pa.Array:
    """Instants of a day of the world and a second of that day."""
    safe = day if present is None else np.where(present, day, 0)
    return instants(calendar.local_seconds(safe, second), present)


def money(cents: Ints, present: Bools | None = None) -> pa.Array:
    return pa.array(cents / 100, mask=None if present is None else ~present).cast(MONEY)


def whole(numbers: npt.NDArray[Any], present: Bools | None = None) -> pa.Array:
    return pa.array(np.asarray(numbers, np.int64), mask=None if present is None else ~present)


def pick(words: Sequence[str | None] | pa.Array, index: Ints, present: Bools | None = None) -> pa.Array:
    """Words by their place in the list; null where not present."""
    words = words if isinstance(words, pa.Array) else pa.array(words, pa.string())
    return words.take(pa.array(index, mask=None if present is None else ~present))


def const(word: str | None, size: int) -> pa.Array:
    return pa.array([word], pa.string()).take(pa.array(np.zeros(size, np.int64)))


def keep(values: pa.Array, present: Bools) -> pa.Array:
    """The same values, null where not present."""
    return pc.if_else(pa.array(present), values, pa.scalar(None, values.type))


def size_of(rows: Rows) -> int:
    return len(next(iter(rows.values())))


def stack(*parts: Rows) -> Rows:
    """Rows of several parts under each other; a column that a part lacks is null there."""
    names = list(dict.fromkeys(name for part in parts for name in part))
    types = {name: part[name].type for part in parts for name in part}
    return {
        name: pa.concat_arrays(
            [_plain(part[name]) if name in part else pa.nulls(size_of(part), types[name]) for part in parts]
        )
        for name in names
    }


def take(rows: Rows, index: npt.NDArray[Any]) -> Rows:
    return {name: _plain(column).take(pa.array(index)) for name, column in rows.items()}


def _plain(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
