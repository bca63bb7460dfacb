"""Tables looked up by machine code: for many customers, the same bits.

Belongs here: this one way; import it only where it pays. Does not belong here: threads. The code holds no lock while it
runs, so blocks of rows may run side by side; each block is added up by one thread in the order of the trees, so no
number of threads changes a bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.evaluation import Floats
from ml.machine_code import machine_code
from ml.shapley.tables import Tables

FLOATS, WHOLE, ROWS = "float64[::1]", "int64[::1]", "float64[:, ::1]"
QUESTIONS = "Tuple(({WHOLE}, {WHOLE}, {kind}[::1], {WHOLE}, float32[::1], float32[::1], boolean[::1]))"
SIGNATURES = [
    f"void({ROWS}, float32[:, ::1], {kind}[:, ::1], {ROWS}, {QUESTIONS.format(WHOLE=WHOLE, kind=kind)}, "
    f"UniTuple({WHOLE}, 5), {FLOATS})"
    for kind in ("uint16", "uint32")
]
"""Positions are as short as the questions allow."""


@machine_code(f"{FLOATS}({FLOATS}, {FLOATS})")
def _near(room: Floats, column: Floats) -> Floats:
    """A copy: read in order, a column comes quickly; read by customer, each value would be waited for."""
    held = room[: len(column)]
    for place in range(len(column)):
        held[place] = column[place]
    return held


@machine_code(*SIGNATURES)
def _add_to(
    total: Floats,
    columns: NDArray[np.float32],
    position: NDArray[np.unsignedinteger],
    near: Floats,
    questions: tuple[NDArray[Any], ...],
    parts: tuple[NDArray[np.int64], ...],
    values: Floats,
) -> None:
    question_ends, question_slot, question_bit, question_feature, lowest, highest, takes_unknown = questions
    part_ends, part_feature, part_slot, part_start, part_stop = parts
    rows = columns.shape[1]
    ask = add = 0
    for tree in range(len(question_ends)):
        for k in range(ask, question_ends[tree]):
            x, own, bit = columns[question_feature[k]], position[question_slot[k]], question_bit[k]
            no = bit ^ bit
            low, high = lowest[k], highest[k]
            if bit == 1:
                for row in range(rows):
                    own[row] = 0
            if takes_unknown[k]:  # every comparison with an unknown value is false
                for row in range(rows):
                    own[row] |= no if (x[row] < low) | (x[row] > high) else bit
            else:
                for row in range(rows):
                    own[row] |= bit if (x[row] >= low) & (x[row] <= high) else no
        ask = question_ends[tree]
        while add < part_ends[tree]:
            first, at_first = _near(near[0], values[part_start[add] : part_stop[add]]), position[part_slot[add]]
            out, after = total[part_feature[add]], add + 1
            if after < part_ends[tree] and part_feature[after] == part_feature[add]:  # two at once save a pass
                second = _near(near[1], values[part_start[after] : part_stop[after]])
                at_second = position[part_slot[after]]
                for row in range(rows):
                    out[row] = (out[row] + first[at_first[row]]) + second[at_second[row]]
                add += 2
            else:
                for row in range(rows):
                    out[row] += first[at_first[row]]
                add += 1


def add_to(total: Floats, tables: Tables, columns: NDArray[np.float32]) -> None:
    """Add Shapley values by feature and, last, the margin: (features, rows) to ``total``, which has one more."""
    position = np.empty((tables.slots, columns.shape[1]), tables.questions.bit.dtype)
    near = np.empty((2, (tables.columns.stop - tables.columns.start).max()))
    questions, parts = tuple(tables.questions), tuple(tables.columns)
    _add_to(total, np.ascontiguousarray(columns), position, near, questions, parts, tables.values)
