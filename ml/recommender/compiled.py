"""Loops over customers and items as machine code that numba makes in this process: for many of them, the same bits.

Belongs here: what takes most of the time of lists, each beside the plain way that it must equal (``sparse``). Does not
belong here: when it pays (``sparse``). Import it only there: numba and the compilation cost seconds. It adds in the
order in which scipy adds and lets go of the interpreter, so that blocks are worked on side by side. Nothing is kept on
disk.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Any_ = NDArray[Any]


@numba.njit(nogil=True)
def best_of_product(
    left_start: Any_, left_column: Any_, left_value: Any_, right_start: Any_, right_column: Any_, right_value: Any_,
    width: int, count: int,
) -> tuple[Any_, Any_, Any_]:  # fmt: skip
    """The ``count`` greatest positive cells of each row of a product of CSR matrices, ties to the lower column: row
    starts, columns in order, values."""
    rows = len(left_start) - 1
    columns, values = np.empty(rows * count, np.int64), np.empty(rows * count, np.float64)
    start = np.zeros(rows + 1, np.int64)
    total, touched = np.zeros(width, np.float64), np.empty(width, np.int64)
    is_touched = np.zeros(width, np.bool_)
    filled = 0
    for row in range(rows):
        reached = 0
        for own in range(left_start[row], left_start[row + 1]):
            inner, worth = left_column[own], left_value[own]
            for other in range(right_start[inner], right_start[inner + 1]):
                column = right_column[other]
                if not is_touched[column]:
                    is_touched[column] = True
                    touched[reached] = column
                    reached += 1
                total[column] += worth * right_value[other]
        positive = 0
        found = np.empty(reached, np.float64)
        for place in range(reached):
            if total[touched[place]] > 0:
                found[positive] = total[touched[place]]
                positive += 1
        threshold, room = 0.0, 0
        if positive > count:
            threshold = np.partition(found[:positive], positive - count)[positive - count]
            room = count - (found[:positive] > threshold).sum()
        first = filled
        for column in np.sort(touched[:reached]):
            value = total[column]
            taken = value > threshold
            if not taken and value > 0 and value == threshold and room > 0:
                taken = True
                room -= 1
            if taken:
                columns[filled], values[filled] = column, value
                filled += 1
            total[column] = 0.0
            is_touched[column] = False
        start[row + 1] = start[row] + filled - first
    return start, columns[:filled], values[:filled]


@numba.njit(nogil=True)
def standing(start: Any_, column: Any_, value: Any_, rows: Any_, columns: Any_) -> tuple[Any_, Any_]:
    """Value and rank, from 1, of each wanted cell within its row of a CSR matrix, ties to the lower column; 0 where
    there is no entry. Wanted cells stand by row and column."""
    shares, ranks = np.zeros(len(rows), np.float64), np.zeros(len(rows), np.float64)
    last = -1
    place = np.empty(0, np.int64)
    own = 0
    for wanted in range(len(rows)):
        row = rows[wanted]
        if row != last:
            last, own = row, start[row]
            down = np.argsort(-value[start[row] : start[row + 1]], kind="mergesort")
            place = np.empty(len(down), np.int64)
            place[down] = np.arange(len(down))
        while own < start[row + 1] and column[own] < columns[wanted]:
            own += 1
        if own < start[row + 1] and column[own] == columns[wanted]:
            shares[wanted] = value[own]
            ranks[wanted] = place[own - start[row]] + 1.0
    return shares, ranks


@numba.njit(nogil=True)
def strongest(
    left_start: Any_, left_column: Any_, left_value: Any_, right_start: Any_, right_column: Any_, right_value: Any_,
    rows: Any_, columns: Any_,
) -> Any_:  # fmt: skip
    """For each cell of a product of CSR matrices the inner index that adds most to it, ties to the lower; -1 where none
    does."""
    out = np.full(len(rows), -1, np.int64)
    for wanted in range(len(rows)):
        best = -np.inf
        for own in range(left_start[rows[wanted]], left_start[rows[wanted] + 1]):
            inner = left_column[own]
            first, beyond = right_start[inner], right_start[inner + 1]
            near = first + np.searchsorted(right_column[first:beyond], columns[wanted])
            if near < beyond and right_column[near] == columns[wanted]:
                added = left_value[own] * right_value[near]
                if added != 0 and added > best:
                    best, out[wanted] = added, inner
    return out
