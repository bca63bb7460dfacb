"""Tables looked up by machine code that numba makes in this process: for many customers, the same bits.

Belongs here: this one way; import it only where it pays, numba and the compilation cost two seconds. Does not belong
here: threads. The code holds no lock while it runs, so blocks of rows may run side by side; each block is added up by
one thread in the order of the trees, so no number of threads changes a bit. Nothing is kept on disk: numba's cache is
pickled, wants a folder to write to, and still costs a third of the compilation to load.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from ml.evaluation import Floats
from ml.shapley.tables import Columns, Questions, Tables


def add_to(total: Floats, tables: Tables, columns: NDArray[np.float32]) -> None:
    """Add Shapley values by feature and, last, the margin: (features, rows) to ``total``, which has one more."""
    position = np.empty((tables.slots, columns.shape[1]), tables.questions.bit.dtype)
    near = np.empty((2, (tables.columns.stop - tables.columns.start).max()))
    _add_to(total, np.ascontiguousarray(columns), position, near, tables.questions, tables.columns, tables.values)


@numba.njit(nogil=True)
def _add_to(
    total: Floats,
    columns: NDArray[np.float32],
    position: NDArray[np.unsignedinteger],
    near: Floats,
    questions: Questions,
    parts: Columns,
    values: Floats,
) -> None:
    rows = columns.shape[1]
    ask = add = 0
    for tree in range(len(questions.ends)):
        for k in range(ask, questions.ends[tree]):
            x, own, bit = columns[questions.feature[k]], position[questions.slot[k]], questions.bit[k]
            no = bit ^ bit
            low, high = questions.low[k], questions.high[k]
            if bit == 1:
                for row in range(rows):
                    own[row] = 0
            if questions.takes_unknown[k]:  # every comparison with an unknown value is false
                for row in range(rows):
                    own[row] |= no if (x[row] < low) | (x[row] > high) else bit
            else:
                for row in range(rows):
                    own[row] |= bit if (x[row] >= low) & (x[row] <= high) else no
        ask = questions.ends[tree]
        while add < parts.ends[tree]:
            first, at_first = _near(near[0], values[parts.start[add] : parts.stop[add]]), position[parts.slot[add]]
            out, after = total[parts.feature[add]], add + 1
            if after < parts.ends[tree] and parts.feature[after] == parts.feature[add]:  # two at once save a pass
                second = _near(near[1], values[parts.start[after] : parts.stop[after]])
                at_second = position[parts.slot[after]]
                for row in range(rows):
                    out[row] = (out[row] + first[at_first[row]]) + second[at_second[row]]
                add += 2
            else:
                for row in range(rows):
                    out[row] += first[at_first[row]]
                add += 1


@numba.njit(nogil=True)
def _near(room: Floats, column: Floats) -> Floats:
    """A copy: read in order, a column comes quickly; read by customer, each value would be waited for."""
    held = room[: len(column)]
    for place in range(len(column)):
        held[place] = column[place]
    return held
