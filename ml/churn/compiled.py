"""Leading features of many customers by machine code: the same as in numpy.

Belongs here: this one way; import it only where it pays (``explain.COMPILED_ROWS``). Does not belong here: what
leads (``reasons``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.evaluation import Floats
from ml.machine_code import machine_code

AT_ONCE = 256
"""Customers whose themes fit into the first cache."""


@machine_code("void(float64[:, ::1], int64[::1], int64[::1], float64, int16[:, ::1], int8[:, ::1])")
def fill_leaders(
    added: Floats,
    owned: NDArray[np.int64],
    ends: NDArray[np.int64],
    scale: float,
    feature: NDArray[np.int16],
    direction: NDArray[np.int8],
) -> None:
    """Fill both (ranks, rows) from ``added`` (features, rows).

    ``owned`` are the features of the first theme, of the second and so on, ``ends`` where those of each end;
    pushes are rounded to multiples of 1 / ``scale``.
    """
    push = np.empty((len(ends), AT_ONCE))
    for start in range(0, added.shape[1], AT_ONCE):
        rows = min(AT_ONCE, added.shape[1] - start)
        own = 0
        for theme in range(len(ends)):
            for row in range(rows):
                push[theme, row] = 0.0
            for k in range(own, ends[theme]):
                for row in range(rows):
                    push[theme, row] += added[owned[k], start + row]
            for row in range(rows):
                push[theme, row] = np.rint(push[theme, row] * scale) / scale
            own = ends[theme]
        for row in range(rows):
            for rank in range(min(len(feature), len(ends))):
                most, leader = -1.0, -1
                for theme in range(len(ends)):
                    if abs(push[theme, row]) > most:
                        most, leader = abs(push[theme, row]), theme
                sign = np.sign(push[leader, row])
                push[leader, row] = np.nan  # greater than nothing: it leads once
                strongest = -np.inf
                for k in range(ends[leader - 1] if leader else 0, ends[leader]):
                    towards = added[owned[k], start + row] * sign
                    if towards > strongest:
                        strongest = towards
                        feature[rank, start + row] = owned[k]
                direction[rank, start + row] = np.int8(sign)
