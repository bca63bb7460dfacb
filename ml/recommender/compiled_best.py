"""The best of each row of a matrix by machine code: for many customers, the same bits as by scipy and numpy.

Belongs here: what takes most of the time of lists, each beside the plain way that it must equal (``cuts``), in whose
order it adds. Does not belong here: when it pays (``cuts``), looking up cells (``compiled_cells``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.machine_code import machine_code

Numbers = NDArray[Any]
Parts = tuple[Numbers, Numbers, Numbers]
"""Row starts, columns and values of a CSR matrix with columns in order."""
PARTS, HELD = "Tuple((int64[::1], int32[::1], float64[::1]))", "Tuple((int32[::1], float64[::1], float64[::1]))"
"""Signatures of such parts, and of a buffer."""


@machine_code(f"{PARTS}(int64, int64)")
def _room(rows: int, count: int) -> Parts:
    return np.zeros(rows + 1, np.int64), np.empty(rows * count, np.int32), np.empty(rows * count, np.float64)


@machine_code(f"{HELD}(int64)")
def _buffer(count: int) -> Parts:
    """Columns and values of those that may be among the best, and room to partition the values."""
    return np.empty(8 * count, np.int32), np.empty(8 * count, np.float64), np.empty(8 * count, np.float64)


@machine_code("float64(float64[::1], int64, int64)")
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


@machine_code(f"Tuple((float64, int64))({HELD}, int64, int64)")
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


@machine_code("void(int32[::1], float64[::1], int64)")
def _sort(columns: Numbers, values: Numbers, held: int) -> None:
    """By column (Shell 1959, gaps by Ciura 2001); numpy's own sorts take numba three seconds more to compile."""
    for gap in (301, 132, 57, 23, 10, 4, 1):
        for place in range(gap, held):
            column, value, to = columns[place], values[place], place
            while to >= gap and columns[to - gap] > column:
                columns[to], values[to] = columns[to - gap], values[to - gap]
                to -= gap
            columns[to], values[to] = column, value


@machine_code(f"int64({HELD}, int64, int64, int32[::1], float64[::1], int64)")
def _write(best: Parts, held: int, count: int, columns: Numbers, values: Numbers, filled: int) -> int:
    """The best of those held, by column; where the next row starts."""
    if held > count:
        _cut(best, held, count)
        held = count
    _sort(best[0], best[1], held)
    for place in range(held):
        columns[filled + place], values[filled + place] = best[0][place], best[1][place]
    return filled + held


@machine_code(f"int64(float64[::1], int32[::1], {HELD}, int64, int32[::1], float64[::1], int64)")
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


@machine_code("int64(float64, int32[::1], float64[::1], float64[::1], int32[::1], int64)")
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


@machine_code(f"{PARTS}({PARTS}, {PARTS}, int64, int64, int64[::1], int32[::1], int64[::1], boolean[:, ::1])")
def best_of_product(
    left: Parts, right: Parts, width: int, count: int, starts: Numbers, barred: Numbers, kinds: Numbers, closed: Numbers
) -> Parts:
    """The ``count`` greatest positive cells of each row of ``left @ right``, ties to the lower column; none of the
    columns that are barred for the row, which stand from ``starts[row]`` on, or closed to its kind."""
    rows, most = len(left[0]) - 1, 0
    for row in range(rows):
        reached = 0
        for own in range(left[0][row], left[0][row + 1]):
            reached += right[0][left[1][own] + 1] - right[0][left[1][own]]
        most = max(most, reached)
    start, columns, values = _room(rows, count)
    total, touched, best = np.zeros(width, np.float64), np.empty(most + 1, np.int32), _buffer(count)
    is_closed = [closed[kind].any() for kind in range(len(closed))]
    for row in range(rows):
        reached = 0
        for own in range(left[0][row], left[0][row + 1]):
            first, beyond = right[0][left[1][own]], right[0][left[1][own] + 1]
            reached = _add(left[2][own], right[1][first:beyond], right[2][first:beyond], total, touched, reached)
        for column in barred[starts[row] : starts[row + 1]]:
            total[np.uint32(column)] = 0.0
        kind = kinds[row]
        if is_closed[kind]:
            for column in touched[:reached]:
                if closed[kind, np.uint32(column)]:
                    total[np.uint32(column)] = 0.0
        start[row + 1] = _take(total, touched[:reached], best, count, columns, values, start[row])
    return start, columns[: start[rows]].copy(), values[: start[rows]].copy()


@machine_code(f"float64[:, ::1]({PARTS}, {PARTS}, int64)")
def dense_product(left: Parts, right: Parts, width: int) -> Numbers:
    """All cells of ``left @ right``."""
    rows = len(left[0]) - 1
    out = np.zeros((rows, width), np.float64)
    for row in range(rows):
        total = out[row]
        for own in range(left[0][row], left[0][row + 1]):
            worth = left[2][own]
            for place in range(right[0][left[1][own]], right[0][left[1][own] + 1]):
                total[np.uint32(right[1][place])] += worth * right[2][place]
    return out


@machine_code(f"{PARTS}({PARTS}, float64[:, ::1], int64, int64, int64)")
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


@machine_code(f"{PARTS}({PARTS}, int64)")
def best_of_rows(m: Parts, count: int) -> Parts:
    """The ``count`` greatest entries of each row that are not zero, ties to the lower column."""
    rows = len(m[0]) - 1
    room = 0
    for row in range(rows):
        room += min(m[0][row + 1] - m[0][row], count)
    start, columns, values = np.zeros(rows + 1, np.int64), np.empty(room, np.int32), np.empty(room, np.float64)
    best = _buffer(count)
    for row in range(rows):
        held, least = 0, -np.inf
        for place in range(m[0][row], m[0][row + 1]):
            if m[2][place] > least and m[2][place] != 0.0:
                best[0][held], best[1][held] = m[1][place], m[2][place]
                held += 1
                if held == len(best[0]):
                    least, _ = _cut(best, held, count)
                    held = count
        start[row + 1] = _write(best, held, count, columns, values, start[row])
    return start, columns[: start[rows]].copy(), values[: start[rows]].copy()


@machine_code(f"{PARTS}(float32[:, ::1], int64)")
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
