"""Sparse matrices of customers by items: the few operations that several generators share.

Belongs here: building, normalising, cutting and looking up; each independent of the order of rows and of how customers
are cut into blocks. Does not belong here: what a number means.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Csr = Any
"""``scipy.sparse.csr_array``, which carries no type of its own."""
CELLS = 2_000_000
"""Entries that are laid side by side at once."""


def decayed(steps: Ints, base: float) -> Floats:
    """``base`` to the power of each number of steps; the same on every machine, as it is multiplied step by step.

    >>> decayed(np.array([0, 1, 3]), 0.5).tolist()
    [1.0, 0.5, 0.125]
    """
    table = np.append(1.0, np.cumprod(np.full(int(steps.max(initial=0)), base)))
    return table[steps]


def matrix(values: NDArray[Any], rows: Ints, columns: Ints, shape: tuple[int, int]) -> Csr:
    """Canonical CSR matrix; entries of one cell are added."""
    built = csr_array((values, (rows, columns)), shape=shape)
    built.sum_duplicates()
    built.eliminate_zeros()
    return built


def cells(m: Csr) -> tuple[Ints, Ints, NDArray[Any]]:
    """Row, column and value of every entry, by row and column."""
    m = m.tocsr()
    m.sort_indices()
    rows = np.repeat(np.arange(m.shape[0], dtype=np.int64), np.diff(m.indptr))
    return rows, m.indices.astype(np.int64), m.data


def normalised(m: Csr) -> Csr:
    """Rows that sum to one; an empty row stays empty."""
    rows, columns, values = cells(m)
    total = np.bincount(rows, values, minlength=m.shape[0])
    return matrix(values / total[rows], rows, columns, m.shape)


def order_within_rows(rows: Ints, columns: Ints, values: Floats) -> NDArray[np.intp]:
    """Order of entries: by row, the highest value first, ties by column."""
    return np.lexsort((columns, -values, rows))


def places(sorted_rows: Ints) -> Ints:
    """Position of each entry within its row, from 0, where rows stand together."""
    if not len(sorted_rows):
        return np.empty(0, np.int64)
    starts = np.flatnonzero(np.append(True, sorted_rows[1:] != sorted_rows[:-1]))
    return np.arange(len(sorted_rows)) - np.repeat(starts, np.diff(np.append(starts, len(sorted_rows))))


def top(m: Csr, count: int) -> Csr:
    """The ``count`` highest entries of each row, ties to the lower column; entries may stand in any order."""
    m = m.tocsr()
    rows, columns, values = np.repeat(np.arange(m.shape[0], dtype=np.int64), np.diff(m.indptr)), m.indices, m.data
    kept = np.ones(len(rows), bool)
    for own, padded in _padded(rows, values, longer_than=count):
        threshold = -np.partition(-padded, count - 1, axis=1)[:, count - 1, None]
        above, equal = padded > threshold, padded == threshold
        room = count - above.sum(axis=1, keepdims=True)
        crowded = np.flatnonzero(equal.sum(axis=1) > room[:, 0])
        if len(crowded):
            by_column = np.where(equal[crowded], columns[own[crowded]], m.shape[1])
            equal[crowded] &= by_column.argsort(axis=1).argsort(axis=1) < room[crowded]
        kept[own[own >= 0]] = (above | equal)[own >= 0]
    return matrix(values[kept], rows[kept], columns[kept].astype(np.int64), m.shape)


def top_dense(values: NDArray[Any], count: int) -> Csr:
    """The ``count`` highest positive entries of each row of an array, ties to the lower column, as CSR."""
    if count < values.shape[1]:
        least = np.partition(values, -count, axis=1)[:, -count, None]
        rows, columns = np.nonzero((values >= least) & (values > 0))
    else:
        rows, columns = np.nonzero(values > 0)
    found = csr_array((values[rows, columns], (rows, columns)), shape=values.shape)
    return top(found, count)


def ranked(m: Csr) -> tuple[Ints, Ints, NDArray[Any]]:
    """As ``cells``, but within each row the highest value first, ties by column."""
    rows, columns, values = cells(m)
    order = _down(rows, values)
    return rows, columns[order], values[order]


def standing(m: Csr, rows: Ints, columns: Ints) -> tuple[Floats, Floats]:
    """Values of single cells and their ranks, from 1, within the row, ties by column; 0 where there is no entry."""
    own_rows, own_columns, values = cells(m)
    rank = np.empty(len(values))
    rank[_down(own_rows, values)] = places(own_rows) + 1
    found, where = _find(own_rows * m.shape[1] + own_columns, rows * m.shape[1] + columns)
    share, place = np.zeros((2, len(rows)))
    share[found], place[found] = values[where[found]], rank[where[found]]
    return share, place


def _down(rows: Ints, values: NDArray[Any]) -> Ints:
    """Order of entries that stand by row and column: within each row the highest first."""
    order = np.arange(len(rows))
    for own, padded in _padded(rows, values, longer_than=1):
        down = np.take_along_axis(own, np.argsort(-padded, axis=1, kind="stable"), axis=1)
        order[own[own >= 0]] = down[own >= 0]
    return order


def _padded(rows: Ints, values: NDArray[Any], *, longer_than: int) -> Iterator[tuple[Ints, Floats]]:
    """Rows with more entries than that side by side, some at a time: places of their entries (-1 none), and values."""
    length = np.bincount(rows) if len(rows) else np.empty(0, np.int64)
    start = np.cumsum(length) - length
    chosen = np.flatnonzero(length > longer_than)
    chosen = chosen[np.argsort(length[chosen], kind="stable")]
    step = max(CELLS // max(int(length.max(initial=1)), 1), 1)
    for first in range(0, len(chosen), step):
        some = chosen[first : first + step]
        place = np.arange(int(length[some].max()))
        own = np.where(place < length[some, None], start[some, None] + place, -1)
        yield own, np.where(own >= 0, values[own], -np.inf)


def at(m: Csr, rows: Ints, columns: Ints) -> NDArray[Any]:
    """Values of single cells, 0 where there is no entry."""
    own_rows, own_columns, values = cells(m)
    found, where = _find(own_rows * m.shape[1] + own_columns, rows * m.shape[1] + columns)
    out = np.zeros(len(rows), values.dtype)
    out[found] = values[where[found]]
    return out


def strongest(left: Csr, right: Csr, rows: Ints, columns: Ints) -> Ints:
    """For each cell of ``left @ right`` the inner index that adds most to it, ties to the lower; -1 where none does."""
    if not len(rows):
        return np.empty(0, np.int64)
    shares = csr_array(left[rows].multiply(right.T.tocsr()[columns]))
    shares.eliminate_zeros()
    of, inner, values = cells(shares)
    order = order_within_rows(of, inner, values)
    first = order[places(of[order]) == 0]
    out = np.full(len(rows), -1, np.int64)
    out[of[first]] = inner[first]
    return out


@dataclass(frozen=True)
class Pairs:
    """A set of (customer, item) pairs that answers quickly."""

    keys: Ints
    columns: int

    @classmethod
    def of(cls, rows: Ints, columns: Ints, width: int) -> Pairs:
        return cls(np.unique(rows.astype(np.int64) * width + columns), width)

    def contains(self, rows: Ints, columns: Ints) -> NDArray[np.bool_]:
        return _find(self.keys, rows * self.columns + columns)[0]


def _find(sorted_keys: Ints, wanted: Ints) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    where = np.searchsorted(sorted_keys, wanted)
    inside = np.minimum(where, max(len(sorted_keys) - 1, 0))
    found = sorted_keys[inside] == wanted if len(sorted_keys) else np.zeros(len(wanted), bool)
    return found, inside
