"""Sparse matrices of customers by items: the few operations that several generators share.

Belongs here: building, normalising and looking up; each independent of the order of rows and of how customers are cut
into blocks. Does not belong here: cutting and ranking (``cuts``), what a number means.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Csr = Any
"""``scipy.sparse.csr_array``, which carries no type of its own."""
COMPILED_KEYS, COMPILED_ENTRIES = 200_000, 500_000
"""From so many look-ups at once, and entries of a matrix in which cells are looked up, machine code pays
(``ml.recommender.cuts``)."""


def decayed(steps: Ints, base: float) -> Floats:
    """``base`` to the power of each number of steps; the same on every machine, as it is multiplied step by step.

    >>> decayed(np.array([0, 1, 3]), 0.5).tolist()
    [1.0, 0.5, 0.125]
    """
    table = np.append(1.0, np.cumprod(np.full(int(steps.max(initial=0)), base)))
    return table[steps]


def matrix(values: NDArray[Any], rows: Ints, columns: Ints, shape: tuple[int, int]) -> Csr:
    """Canonical CSR matrix; entries of one cell are added."""
    if _in_order(rows, columns, shape[1]):
        there = values != 0
        if not there.all():
            values, rows, columns = values[there], rows[there], columns[there]
        return canonical(np.searchsorted(rows, np.arange(shape[0] + 1)), columns, values, shape)
    built = csr_array((values, (rows, columns)), shape=shape)
    built.sum_duplicates()
    built.eliminate_zeros()
    return built


def canonical(start: Ints, columns: NDArray[Any], values: NDArray[Any], shape: tuple[int, int]) -> Csr:
    """CSR matrix of rows that start there, whose columns are in order, each once, with values other than zero."""
    whole = np.int32 if len(values) < 2**31 else np.int64
    built = csr_array((values, columns.astype(whole, copy=False), start.astype(whole, copy=False)), shape=shape)
    built.has_canonical_format = True
    return built


def _in_order(rows: Ints, columns: Ints, width: int) -> bool:
    """Whether cells stand by row and column, each once."""
    key = np.multiply(rows, width, dtype=np.int64) + columns
    return bool((key[1:] > key[:-1]).all())


def cells(m: Csr) -> tuple[Ints, Ints, NDArray[Any]]:
    """Row, column and value of every entry, by row and column."""
    m = m.tocsr()
    m.sort_indices()
    rows = np.repeat(np.arange(m.shape[0], dtype=np.int64), np.diff(m.indptr))
    return rows, m.indices.astype(np.int64), m.data


def normalised(m: Csr, kept: NDArray[np.bool_] | None = None) -> Csr:
    """Rows that sum to one; an empty row stays empty. ``kept``: of some entries alone, in the order of ``cells``."""
    m = m.tocsr()
    m.sort_indices()
    there = m.data != 0 if kept is None else kept & (m.data != 0)
    if m.nnz >= COMPILED_ENTRIES:
        from ml.recommender import compiled_cells

        return canonical(*compiled_cells.shares(parts(m), there), m.shape)
    rows = np.repeat(np.arange(m.shape[0]), np.diff(m.indptr))[there]
    total = np.bincount(rows, m.data[there], minlength=m.shape[0])
    before = np.append(0, np.cumsum(there))
    return canonical(before[m.indptr], m.indices[there], m.data[there] / total[rows], m.shape)


def of_columns(m: Csr, kept: NDArray[np.bool_]) -> Csr:
    """The matrix with nothing in its other columns."""
    rest = m.tocsr().copy()
    rest.data = rest.data * kept[rest.indices]
    rest.eliminate_zeros()
    return rest


def off_diagonal(m: Csr) -> Csr:
    """The same matrix, in its place, without its diagonal."""
    m.sum_duplicates()
    m.data[np.repeat(np.arange(m.shape[0], dtype=m.indices.dtype), np.diff(m.indptr)) == m.indices] = 0
    m.eliminate_zeros()
    return m


def parts(m: Csr) -> tuple[Ints, NDArray[np.int32], Floats]:
    """Row starts, columns and values of a matrix with columns in order, as compiled code asks for them."""
    m.sort_indices()
    return laid(m.indptr, np.int64), laid(m.indices, np.int32), laid(m.data, np.float64)


def whole(*arrays: NDArray[Any]) -> tuple[Ints, ...]:
    """Whole numbers as compiled code asks for them."""
    return tuple(laid(array, np.int64) for array in arrays)


def laid(array: NDArray[Any], kind: type) -> NDArray[Any]:
    """Of that type, side by side in memory and open to writing; the array itself where it is."""
    return np.require(array, kind, ["C", "W"])


def order_within_rows(rows: Ints, columns: Ints, values: Floats) -> NDArray[np.intp]:
    """Order of entries: by row, the highest value first, ties by column."""
    return np.lexsort((columns, -values, rows))


def runs(sorted_rows: Ints) -> tuple[Ints, Ints, Ints]:
    """Each row once, where its entries start, and how many there are, where rows stand together."""
    if not len(sorted_rows):
        return sorted_rows, np.empty(0, np.int64), np.empty(0, np.int64)
    starts = np.flatnonzero(np.append(True, sorted_rows[1:] != sorted_rows[:-1])).astype(np.int64)
    return sorted_rows[starts], starts, np.diff(np.append(starts, len(sorted_rows))).astype(np.int64)


def places(sorted_rows: Ints) -> Ints:
    """Position of each entry within its row, from 0, where rows stand together."""
    _, starts, sizes = runs(sorted_rows)
    return np.arange(len(sorted_rows)) - np.repeat(starts, sizes)


def at(m: Csr, rows: Ints, columns: Ints) -> NDArray[Any]:
    """Values of single cells, 0 where there is no entry."""
    if m.nnz >= COMPILED_ENTRIES and m.dtype == np.float64:
        from ml.recommender import compiled_cells

        quick: Floats = compiled_cells.at(parts(m), *whole(rows, columns))
        return quick
    own_rows, own_columns, values = cells(m)
    found, where = find(own_rows * m.shape[1] + own_columns, rows * m.shape[1] + columns)
    out = np.zeros(len(rows), values.dtype)
    out[found] = values[where[found]]
    return out


class Sum:
    """A sum of counts in many matrices of one shape. Those of about one size are added to each other, for each added to
    all before it would take the square of their number."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._parts: list[Csr] = [csr_array(shape, dtype=np.int64)]

    def add(self, m: Csr) -> None:
        self._parts.append(csr_array(m))
        while len(self._parts) > 1 and self._parts[-2].nnz < 2 * self._parts[-1].nnz:
            self._join()

    def total(self) -> Csr:
        while len(self._parts) > 1:
            self._join()
        return self._parts[0]

    def _join(self) -> None:
        last = self._parts.pop()
        self._parts[-1] = csr_array(self._parts[-1] + last)


@dataclass(frozen=True)
class Pairs:
    """A set of (customer, item) pairs that answers quickly."""

    keys: Ints
    columns: int

    @classmethod
    def of(cls, rows: Ints, columns: Ints, width: int) -> Pairs:
        keys = rows.astype(np.int64) * width + columns
        later = keys[1:] > keys[:-1]
        if (later | (keys[1:] == keys[:-1])).all():  # as they mostly stand
            return cls(keys[np.append(True, later)] if len(keys) else keys, width)
        return cls(np.unique(keys), width)

    def union(self, *others: Pairs) -> Pairs:
        some = [one.keys for one in (self, *others) if len(one.keys)]
        return Pairs(np.unique(np.concatenate(some)) if len(some) > 1 else some[0] if some else self.keys, self.columns)

    def by_row(self, rows: int) -> tuple[Ints, NDArray[np.int32]]:
        """Where the columns of each row start, (rows + 1,), and the columns."""
        width = max(self.columns, 1)
        starts = np.searchsorted(self.keys, np.arange(rows + 1, dtype=np.int64) * width)
        return laid(starts, np.int64), laid(self.keys % width, np.int32)

    def contains(self, rows: Ints, columns: Ints) -> NDArray[np.bool_]:
        if not len(self.keys):
            return np.zeros(len(rows), bool)
        return find(self.keys, rows * self.columns + columns)[0]


@dataclass(frozen=True)
class Barred:
    """Cells that a cut leaves out: single pairs, and whole columns by kind of row."""

    pairs: Pairs
    kinds: Ints
    """(rows,)"""
    closed: NDArray[np.bool_]
    """(kinds, columns)"""

    @cached_property
    def is_nothing(self) -> bool:
        return not len(self.pairs.keys) and not self.closed.any()

    def contains(self, rows: Ints, columns: Ints) -> NDArray[np.bool_]:
        found = self.pairs.contains(rows, columns)
        return found | self.closed[self.kinds[rows], columns] if self.closed.any() else found


def find(sorted_keys: Ints, wanted: Ints) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Which keys stand among those in order, and where."""
    if not len(sorted_keys):
        return np.zeros(len(wanted), bool), np.zeros(len(wanted), np.int64)
    if len(wanted) >= COMPILED_KEYS:
        from ml.recommender import compiled_cells

        quick: tuple[NDArray[np.bool_], NDArray[np.intp]] = compiled_cells.find(*whole(sorted_keys, wanted))
        return quick
    where = np.searchsorted(sorted_keys, wanted)
    return sorted_keys[np.minimum(where, len(sorted_keys) - 1)] == wanted, where
