"""Loops over customers and items as machine code that numba makes in this process: for many of them, the same bits.

Belongs here: what takes most of the time of lists, each beside the plain way that it must equal (``sparse``). Does not
belong here: when it pays (``sparse``), threads: the code lets go of the interpreter, so that blocks are worked on side
by side. It adds in the order in which scipy and numpy add. Nothing is kept on disk (``ml.shapley.compiled`` says why).
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]
Parts = tuple[Numbers, Numbers, Numbers]
"""Row starts, columns and values of a CSR matrix with columns in order."""
HELD = "Tuple((int32[::1], float64[::1], float64[::1]))"
"""Signature of a buffer. What is called with constants has one: else numba compiles it again for each constant."""


@numba.njit(nogil=True)
def best_of_product(left: Parts, right: Parts, width: int, count: int) -> Parts:
    """The ``count`` greatest positive cells of each row of ``left @ right``, ties to the lower column."""
    rows, most = len(left[0]) - 1, 0
    for row in range(rows):
        reached = 0
        for own in range(left[0][row], left[0][row + 1]):
            reached += right[0][left[1][own] + 1] - right[0][left[1][own]]
        most = max(most, reached)
    start, columns, values = _room(rows, count)
    total, touched, best = np.zeros(width, np.float64), np.empty(most + 1, np.int32), _buffer(count)
    for row in range(rows):
        reached = 0
        for own in range(left[0][row], left[0][row + 1]):
            first, beyond = right[0][left[1][own]], right[0][left[1][own] + 1]
            reached = _add(left[2][own], right[1][first:beyond], right[2][first:beyond], total, touched, reached)
        start[row + 1] = _take(total, touched[:reached], best, count, columns, values, start[row])
    return start, columns[: start[rows]].copy(), values[: start[rows]].copy()


@numba.njit(nogil=True)
def best_of_sum(stacked: Parts, weights: Numbers, width: int, count: int, digits: int) -> Parts:
    """The ``count`` greatest positive entries of each row of a sum of matrices that stand below one another, each row
    with its weight, rounded; ties to the lower column."""
    rows, terms = weights.shape
    scale = 10.0**digits
    start, columns, values = _room(rows, count)
    total, touched, best = np.zeros(width, np.float64), np.empty(len(stacked[1]) + 1, np.int32), _buffer(count)
    for row in range(rows):
        reached = 0
        for term in range(terms):
            first, beyond = stacked[0][term * rows + row], stacked[0][term * rows + row + 1]
            some, amounts = stacked[1][first:beyond], stacked[2][first:beyond]
            reached = _add(weights[row, term], some, amounts, total, touched, reached)
        for place in range(reached):
            column = np.uint32(touched[place])
            total[column] = np.rint(total[column] * scale) / scale
        start[row + 1] = _take(total, touched[:reached], best, count, columns, values, start[row])
    return start, columns[: start[rows]].copy(), values[: start[rows]].copy()


@numba.njit(nogil=True)
def best_of_dense(dense: Numbers, count: int) -> Parts:
    """The ``count`` greatest positive values of each row, ties to the lower column."""
    rows, width = dense.shape
    start, columns, values = _room(rows, count)
    best = _buffer(count)
    for row in range(rows):
        held, least = 0, 0.0
        for column in range(width):
            if dense[row, column] > least:
                best[0][held], best[1][held] = column, dense[row, column]
                held += 1
                if held == len(best[0]):
                    least, _ = _cut(best, held, count)
                    held = count
        start[row + 1] = _write(best, held, count, columns, values, start[row])
    return start, columns[: start[rows]].copy(), values[: start[rows]].copy()


@numba.njit(nogil=True)
def _room(rows: int, count: int) -> Parts:
    return np.zeros(rows + 1, np.int64), np.empty(rows * count, np.int32), np.empty(rows * count, np.float64)


@numba.njit(nogil=True)
def _buffer(count: int) -> Parts:
    """Columns and values of those that may be among the best, and room to partition the values."""
    return np.empty(8 * count, np.int32), np.empty(8 * count, np.float64), np.empty(8 * count, np.float64)


@numba.njit(nogil=True)
def _add(worth: float, others: Numbers, amounts: Numbers, total: Numbers, touched: Numbers, reached: int) -> int:
    """Add a row, times its worth, and note the columns that were zero; how many are noted. A column whose sum fell back
    to zero is noted twice, which ``_take`` bears."""
    for place in range(len(others)):
        column = np.uint32(others[place])  # without a sign: numba would ask of each whether it counts from the end
        before = total[column]
        touched[reached] = others[place]
        reached += before == 0.0
        total[column] = before + worth * amounts[place]
    return reached


@numba.njit(nogil=True)
def _take(
    total: Numbers, touched: Numbers, best: Parts, count: int, columns: Numbers, values: Numbers, filled: int
) -> int:
    """Write the best of the touched columns in their order, and set all touched to zero; where the next row starts."""
    held, least, last = 0, 0.0, -1
    for column in touched:
        value = total[np.uint32(column)]
        total[np.uint32(column)] = 0.0
        best[0][held], best[1][held] = column, value
        held += value > least or (value == least and column < last)
        if held == len(best[0]):
            least, last = _cut(best, held, count)
            held = count
    return _write(best, held, count, columns, values, filled)


@numba.njit("float64(float64[::1], int64, int64)", nogil=True)
def _nth(values: Numbers, held: int, n: int) -> float:
    """The n-th greatest, from 0, by quickselect (Hoare 1961); ``np.partition`` compares with care for NaN, which takes
    twice the time."""
    low, high = 0, held - 1
    while low < high:
        first, middle, end = values[low], values[(low + high) // 2], values[high]
        pivot = max(min(first, middle), min(max(first, middle), end))
        up, down = low, high
        while up <= down:
            while values[up] > pivot:
                up += 1
            while values[down] < pivot:
                down -= 1
            if up <= down:
                values[up], values[down] = values[down], values[up]
                up += 1
                down -= 1
        if n <= down:
            high = down
        elif n >= up:
            low = up
        else:
            break
    return float(values[n])


@numba.njit(f"Tuple((float64, int64))({HELD}, int64, int64)", nogil=True)
def _cut(best: Parts, held: int, count: int) -> tuple[float, int]:
    """Keep the best, in the order in which they stand; the least value that is in, and its last column."""
    columns, values, scratch = best
    for place in range(held):
        scratch[place] = values[place]
    least = _nth(scratch, held, count - 1)
    room, equal = count, 0
    for place in range(held):
        room -= values[place] > least
        equal += values[place] == least
    last = 2**31 - 1
    if equal > room:
        equal = 0
        for place in range(held):
            if values[place] == least:
                scratch[equal] = -columns[place]
                equal += 1
        last = int(-_nth(scratch, equal, room - 1))
    kept = 0
    for place in range(held):
        column, value = columns[place], values[place]
        columns[kept], values[kept] = column, value
        kept += value > least or (value == least and column <= last)
    return least, last


@numba.njit("void(int32[::1], float64[::1], int64)", nogil=True)
def _sort(columns: Numbers, values: Numbers, held: int) -> None:
    """By column (Shell 1959, gaps by Ciura 2001); numpy's own sorts take numba three seconds more to compile."""
    for gap in (301, 132, 57, 23, 10, 4, 1):
        for place in range(gap, held):
            column, value, to = columns[place], values[place], place
            while to >= gap and columns[to - gap] > column:
                columns[to], values[to] = columns[to - gap], values[to - gap]
                to -= gap
            columns[to], values[to] = column, value


@numba.njit(f"int64({HELD}, int64, int64, int32[::1], float64[::1], int64)", nogil=True)
def _write(best: Parts, held: int, count: int, columns: Numbers, values: Numbers, filled: int) -> int:
    """The best of those held, by column; where the next row starts."""
    if held > count:
        _cut(best, held, count)
        held = count
    _sort(best[0], best[1], held)
    for place in range(held):
        columns[filled + place], values[filled + place] = best[0][place], best[1][place]
    return filled + held


@numba.njit(nogil=True)
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


@numba.njit(nogil=True)
def standing(m: Parts, rows: Numbers, columns: Numbers) -> tuple[Numbers, Numbers]:
    """Value and rank, from 1, of wanted cells within their row, ties to the lower column; 0 where there is no entry."""
    found, ranks = np.zeros(len(rows), np.float64), np.zeros(len(rows), np.int64)
    for wanted in range(len(rows)):
        first, beyond = m[0][rows[wanted]], m[0][rows[wanted] + 1]
        others, values = m[1][first:beyond], m[2][first:beyond]
        own = _place(others, columns[wanted])
        if own < len(others) and others[own] == columns[wanted]:
            value = values[own]
            before, after, better = values[:own], values[own + 1 :], 0
            for place in range(len(before)):
                better += before[place] >= value
            for place in range(len(after)):
                better += after[place] > value
            found[wanted], ranks[wanted] = value, better + 1
    return found, ranks


@numba.njit(nogil=True)
def at(m: Parts, rows: Numbers, columns: Numbers) -> Numbers:
    """Values of wanted cells, 0 where there is no entry."""
    found = np.zeros(len(rows), np.float64)
    for wanted in range(len(rows)):
        first, beyond = m[0][rows[wanted]], m[0][rows[wanted] + 1]
        others, values = m[1][first:beyond], m[2][first:beyond]
        own = _place(others, columns[wanted])
        if own < len(others) and others[own] == columns[wanted]:
            found[wanted] = values[own]
    return found


@numba.njit("int64(int32[::1], int64)", nogil=True)
def _place(columns: Numbers, wanted: int) -> int:
    """Where a column stands, or would, among those in order."""
    low, high = 0, len(columns)
    while low < high:
        middle = (low + high) >> 1
        if columns[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@numba.njit(nogil=True)
def strongest(left: Parts, right: Parts, rows: Numbers, columns: Numbers) -> Numbers:
    """For each cell of ``left @ right`` the inner index that adds most to it, ties to the lower; -1 where none does."""
    out = np.full(len(rows), -1, np.int64)
    for wanted in range(len(rows)):
        best = -np.inf
        for own in range(left[0][rows[wanted]], left[0][rows[wanted] + 1]):
            inner = left[1][own]
            first, beyond = right[0][inner], right[0][inner + 1]
            near = first + np.searchsorted(right[1][first:beyond], columns[wanted])
            if near < beyond and right[1][near] == columns[wanted]:
                added = left[2][own] * right[2][near]
                if added != 0 and added > best:
                    best, out[wanted] = added, inner
    return out


@numba.njit(nogil=True)
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
