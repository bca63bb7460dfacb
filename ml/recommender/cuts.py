"""The best of each row of a matrix: cutting, ranking, what made an entry.

Belongs here: the few operations through which every list goes, in two ways that give the same bits: with numpy and
scipy for few customers, compiled (``compiled_best``, ``compiled_cells``) for many. Does not belong here: what a number
means.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from ml.recommender.sparse import (
    COMPILED_ENTRIES,
    Barred,
    Csr,
    Floats,
    Ints,
    canonical,
    cells,
    find,
    laid,
    matrix,
    order_within_rows,
    parts,
    places,
    whole,
)

CELLS = 2_000_000
"""Entries that are laid side by side at once."""
COMPILED_PRODUCTS, COMPILED_VALUES, COMPILED_CELLS = 1_000_000, 2_000_000, 200_000
"""From so many multiplications, values to be cut, and single cells at once on, machine code pays: numba and what it
compiled take a second to load, once for all blocks of customers."""


def top(m: Csr, count: int) -> Csr:
    """The ``count`` highest entries of each row, ties to the lower column; entries may stand in any order."""
    m = m.tocsr()
    if m.has_canonical_format and (np.diff(m.indptr) <= count).all() and m.data.all():
        return m
    if m.nnz >= COMPILED_VALUES and m.dtype == np.float64:
        from ml.recommender import compiled_best

        m.sum_duplicates()
        return _built(compiled_best.best_of_rows(parts(m), count), m.shape)
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


def best_of_dense(values: NDArray[np.float32], count: int) -> Csr:
    """The ``count`` highest positive entries of each row of an array, ties to the lower column."""
    if values.size >= COMPILED_VALUES:
        from ml.recommender import compiled_best

        return _built(compiled_best.best_of_dense(laid(values, np.float32), count), values.shape)
    if count < values.shape[1]:
        least = np.partition(values, -count, axis=1)[:, -count, None]
        rows, columns = np.nonzero((values >= least) & (values > 0))
    else:
        rows, columns = np.nonzero(values > 0)
    found = csr_array((values[rows, columns].astype(float), (rows, columns)), shape=values.shape)
    return top(found, count)


def best_of_product(left: Csr, right: Csr, count: int, barred: Barred) -> Csr:
    """The ``count`` highest positive entries of each row of ``left @ right`` that are not barred, ties to the lower
    column."""
    shape = left.shape[0], right.shape[1]
    if np.diff(right.indptr)[left.indices].sum() >= COMPILED_PRODUCTS:
        from ml.recommender import compiled_best

        pairs, kinds, closed = (
            barred.pairs.by_row(shape[0]),
            laid(barred.kinds, np.int64),
            laid(barred.closed, np.bool_),
        )
        return _built(
            compiled_best.best_of_product(parts(left), parts(right), shape[1], count, *pairs, kinds, closed), shape
        )
    return top(without(_positive((left @ right).tocsr()), barred), count)


def dense_product(left: Csr, right: Csr) -> Floats:
    """All cells of ``left @ right``, where most are filled."""
    if np.diff(right.indptr)[left.indices].sum() >= COMPILED_PRODUCTS:
        from ml.recommender import compiled_best

        quick: Floats = compiled_best.dense_product(parts(left), parts(right), right.shape[1])
        return quick
    return np.asarray((left @ right).toarray(), float)


def without(m: Csr, barred: Barred) -> Csr:
    """The matrix with nothing in its barred cells."""
    if barred.is_nothing:
        return m
    rows, columns, values = cells(m)
    return matrix(np.where(barred.contains(rows, columns), 0, values), rows, columns, m.shape)


def best_of_sum(terms: Sequence[Csr], weights: Floats, count: int, digits: int) -> Csr:
    """The ``count`` highest entries of each row of a sum of matrices, rounded, ties to the lower column.

    Parameters
    ----------
    weights
        (rows, terms): what each row counts in each term.
    """
    shape = terms[0].shape
    if sum(term.nnz for term in terms) >= COMPILED_VALUES:
        from ml.recommender import compiled_best

        weights = laid(weights, np.float64)
        return _built(compiled_best.best_of_sum(parts(vstack(terms)), weights, shape[1], count, digits), shape)
    return top(_positive(weighted_sum(terms, weights, digits)), count)


def weighted_sum(terms: Sequence[Csr], weights: Floats, digits: int) -> Csr:
    """Sum of matrices, each row of each with its weight, (rows, terms); rounded."""
    total: Csr = matrix(np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64), terms[0].shape)
    for number, term in enumerate(terms):
        rows, columns, values = cells(term)
        total = total + matrix(weights[rows, number] * values, rows, columns, term.shape)
    rows, columns, values = cells(total)
    return matrix(values.round(digits), rows, columns, total.shape)


def _positive(m: Csr) -> Csr:
    m.data = np.maximum(m.data, 0)
    m.eliminate_zeros()
    return m


def _built(found: tuple[Ints, NDArray[np.int32], Floats], shape: tuple[int, int]) -> Csr:
    start, columns, values = found
    return canonical(start, columns, values, shape)


def ranked(m: Csr) -> tuple[Ints, Ints, NDArray[Any]]:
    """As ``cells``, but within each row the highest value first, ties by column."""
    rows, columns, values = cells(m)
    order = _down(rows, values)
    return rows, columns[order], values[order]


def standing(m: Csr, rows: Ints, columns: Ints) -> tuple[Floats, Ints]:
    """Values of single cells and their ranks, from 1, within the row, ties by column; 0 where there is no entry."""
    if len(rows) >= COMPILED_CELLS:
        from ml.recommender import compiled_cells

        quick: tuple[Floats, Ints] = compiled_cells.standing(parts(m), *whole(rows, columns))
        return quick
    own_rows, own_columns, values = cells(m)
    rank = np.empty(len(values), np.int64)
    rank[_down(own_rows, values)] = places(own_rows) + 1
    found, where = find(own_rows * m.shape[1] + own_columns, rows * m.shape[1] + columns)
    share, place = np.zeros(len(rows)), np.zeros(len(rows), np.int64)
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


def strongest(left: Csr, right: Csr, rows: Ints, columns: Ints) -> Ints:
    """For each cell of ``left @ right`` the inner index that adds most to it, ties to the lower; -1 where none adds."""
    if not len(rows):
        return np.empty(0, np.int64)
    if len(rows) >= COMPILED_CELLS // 100 or right.nnz >= COMPILED_ENTRIES:
        from ml.recommender import compiled_cells

        quick: Ints = compiled_cells.strongest(parts(left), parts(right), *whole(rows, columns))
        return quick
    shares = csr_array(left[rows].multiply(right.T.tocsr()[columns]))
    of, inner, values = cells(_positive(shares))
    order = order_within_rows(of, inner, values)
    first = order[places(of[order]) == 0]
    out = np.full(len(rows), -1, np.int64)
    out[of[first]] = inner[first]
    return out
