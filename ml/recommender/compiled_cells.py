"""Cells of a matrix looked up by machine code: for many customers, the same bits as by scipy and numpy.

Belongs here: what is asked of single cells and keys, each beside the plain way that it must equal (``sparse``,
``cuts``). Does not belong here: when it pays, cutting rows (``compiled_best``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.machine_code import machine_code

Numbers = NDArray[Any]
Parts = tuple[Numbers, Numbers, Numbers]
"""Row starts, columns and values of a CSR matrix with columns in order."""
PARTS, CELLS = "Tuple((int64[::1], int32[::1], float64[::1]))", "int64[::1], int64[::1]"
"""Signatures of such parts, and of rows and columns."""


@machine_code(f"int64({PARTS}, int64, int64)")
def _entry(m: Parts, row: int, column: int) -> int:
    """Where a cell stands among all entries, -1 where there is none."""
    low, beyond = m[0][row], m[0][row + 1]
    high = beyond
    while low < high:
        middle = (low + high) >> 1
        if m[1][middle] < column:
            low = middle + 1
        else:
            high = middle
    return int(low) if low < beyond and m[1][low] == column else -1


@machine_code(f"{PARTS}({PARTS}, boolean[::1])")
def shares(m: Parts, kept: Numbers) -> Parts:
    """The entries that are kept, divided by their sum in each row."""
    rows = len(m[0]) - 1
    start, columns, values = (
        np.zeros(rows + 1, np.int64),
        np.empty(len(m[1]), np.int32),
        np.empty(len(m[1]), np.float64),
    )
    filled = 0
    for row in range(rows):
        total = 0.0
        for own in range(m[0][row], m[0][row + 1]):
            if kept[own]:
                columns[filled], values[filled] = m[1][own], m[2][own]
                total += m[2][own]
                filled += 1
        for own in range(start[row], filled):
            values[own] /= total
        start[row + 1] = filled
    return start, columns[:filled].copy(), values[:filled].copy()


@machine_code(f"Tuple((float64[::1], int64[::1]))({PARTS}, {CELLS})")
def standing(m: Parts, rows: Numbers, columns: Numbers) -> tuple[Numbers, Numbers]:
    """Value and rank, from 1, of wanted cells within their row, ties to the lower column; 0 where there is no entry."""
    found, ranks = np.zeros(len(rows), np.float64), np.zeros(len(rows), np.int64)
    for wanted in range(len(rows)):
        own = _entry(m, rows[wanted], columns[wanted])
        if own >= 0:
            value, better = m[2][own], 0
            before, after = m[2][m[0][rows[wanted]] : own], m[2][own + 1 : m[0][rows[wanted] + 1]]
            for place in range(len(before)):
                better += before[place] >= value
            for place in range(len(after)):
                better += after[place] > value
            found[wanted], ranks[wanted] = value, better + 1
    return found, ranks


@machine_code(f"float64[::1]({PARTS}, {CELLS})")
def at(m: Parts, rows: Numbers, columns: Numbers) -> Numbers:
    """Values of wanted cells, 0 where there is no entry."""
    found = np.zeros(len(rows), np.float64)
    for wanted in range(len(rows)):
        own = _entry(m, rows[wanted], columns[wanted])
        if own >= 0:
            found[wanted] = m[2][own]
    return found


@machine_code(f"int64[::1]({PARTS}, {PARTS}, {CELLS})")
def strongest(left: Parts, right: Parts, rows: Numbers, columns: Numbers) -> Numbers:
    """For each cell of ``left @ right`` the inner index that adds most to it, ties to the lower; -1 where none adds."""
    out = np.full(len(rows), -1, np.int64)
    for wanted in range(len(rows)):
        best = 0.0
        for own in range(left[0][rows[wanted]], left[0][rows[wanted] + 1]):
            inner = left[1][own]
            near = _entry(right, inner, columns[wanted])
            if near >= 0:
                added = left[2][own] * right[2][near]
                if added > best:
                    best, out[wanted] = added, inner
    return out


@machine_code(f"Tuple((boolean[::1], int64[::1]))({CELLS})")
def find(ordered: Numbers, wanted: Numbers) -> tuple[Numbers, Numbers]:
    """Which keys stand among those in order, and where they do or would; quick where neighbours are near each other."""
    found, where = np.zeros(len(wanted), np.bool_), np.empty(len(wanted), np.int64)
    low = 0
    for number in range(len(wanted)):
        key = wanted[number]
        step = 1
        if low < len(ordered) and ordered[low] < key:
            high = low + 1
            while high < len(ordered) and ordered[high] < key:
                low = high
                high += step
                step *= 2
            high = min(high, len(ordered))
        else:
            high = low
            low = high - 1
            while low >= 0 and ordered[low] >= key:
                high = low
                low -= step
                step *= 2
            low = max(low, -1)
        while high - low > 1:
            middle = (low + high) // 2
            if ordered[middle] < key:
                low = middle
            else:
                high = middle
        low = high
        where[number] = low
        found[number] = low < len(ordered) and ordered[low] == key
    return found, where
