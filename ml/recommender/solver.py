"""Linear algebra that generators share: many small least squares problems, one large inverse.

Belongs here: the numbers, each independent of threads and of how rows are cut into blocks. Does not belong here: what
they mean.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from ml.recommender.sparse import Csr, Floats, Ints

Single = NDArray[np.float32]
ROWS = 512
"""Problems that are solved in one call."""
CELLS = 30_000
"""Entries of theirs that are laid side by side at most, so that one long row does not fill the memory."""
PLACES = 6
DENSE = Lock()
"""Matrices of all items by all items stand in memory for one generator at a time."""


def least_squares(indptr: Ints, indices: Ints, worth: Single, others: Single, gram: Single, threads: int = 2) -> Single:
    """Solve ``(gram + sum w o o^T) x = sum (1 + w) o`` for every row, over its entries o with worth w.

    Parameters
    ----------
    indptr, indices
        Rows of a CSR matrix, (rows + 1,) and (entries,); ``worth`` goes with the entries.
    others
        (columns, dimensions)
    gram
        (dimensions, dimensions): what every row has in common.
    threads
        How many parts are solved side by side; they change no bit.
    """
    length = np.diff(indptr)
    order = np.argsort(length, kind="stable")
    out = np.zeros((len(length), others.shape[1]), np.float32)
    some = order[np.searchsorted(length[order], 1) :]
    apart = np.linalg.solve(gram, others.T).T.astype(np.float32)

    def solve(rows: Ints) -> None:
        most = int(length[rows].max())
        place = np.arange(most)
        inside = place < length[rows, None]
        entry = np.where(inside, indptr[rows, None] + place, 0)
        columns = indices[entry]
        near = others[columns] * inside[:, :, None]
        weight = worth[entry] * inside
        wanted = (1 + weight) * inside
        if most < others.shape[1] // 2:
            out[rows] = _by_entries(near, apart[columns] * inside[:, :, None], weight, wanted)
        else:
            out[rows] = _by_dimensions(near, gram, weight, wanted)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(solve, _batches(some, length)))
    return out


def _by_dimensions(near: Single, gram: Single, weight: Single, wanted: Single) -> Single:
    """The systems as they stand, as large as there are dimensions; (rows, dimensions)."""
    left = gram + np.matmul((near * weight[:, :, None]).transpose(0, 2, 1), near)
    right = np.matmul(wanted[:, None, :], near)[:, 0, :]
    return np.asarray(np.linalg.solve(left, right[:, :, None])[:, :, 0])


def _by_entries(near: Single, apart: Single, weight: Single, wanted: Single) -> Single:
    """The same by systems as large as there are entries (Woodbury): what is in common is inverted once for all rows.

    ``apart`` is ``gram^-1 o`` of each entry, (rows, entries, dimensions). With K the products of ``near`` and
    ``apart`` and W the worths, ``x = apart^T (I + W K)^-1 wanted``, for ``wanted`` is a sum over the entries as well.
    """
    shared = weight[:, :, None] * np.matmul(near, apart.transpose(0, 2, 1))
    shared += np.eye(near.shape[1], dtype=np.float32)
    counts = np.linalg.solve(shared, wanted[:, :, None])
    return np.asarray(np.matmul(counts.transpose(0, 2, 1), apart)[:, 0, :])


def _batches(rows: Ints, length: Ints) -> list[Ints]:
    """Rows of about one length together; ``rows`` come by length. No batch depends on another."""
    bounds, start = [0], 0
    while start < len(rows):
        stop = min(start + ROWS, len(rows))
        while stop > start + 1 and (stop - start) * length[rows[stop - 1]] > CELLS:
            stop = start + (stop - start + 1) // 2
        bounds.append(stop)
        start = stop
    return [rows[first:beyond] for first, beyond in pairwise(bounds)]


def autoencoder(together: Csr, counts: Ints, regularisation: float, dropout: float = 0.0) -> Single:
    """Weights of EASE, ``-P / diag(P)`` with a diagonal of zeros, P the inverse of ``G + r I``; (items, items).

    Parameters as for ``regression``; ``dropout``, the chance that an item is left out, divides the diagonal of G by the
    chance that it is not.
    """
    import scipy.linalg

    with DENSE:
        gram = _gram(together, counts / (1 - dropout), regularisation)
        factor = scipy.linalg.cholesky(gram, overwrite_a=True, check_finite=False)
        half, failed = scipy.linalg.lapack.spotri(factor, overwrite_c=True)
        if failed:
            raise np.linalg.LinAlgError("the Gram matrix has no inverse")
        upper = np.triu(half)
        inverse = upper + np.triu(upper, 1).T
        out: Single = -inverse / np.diag(inverse)[None, :]
        np.fill_diagonal(out, 0)
        return out


def regression(together: Csr, counts: Ints, targets: Csr, regularisation: float, kept: int) -> Csr:
    """Ridge weights of every item for every other, ``(G + r I)^-1 T``, the ``kept`` greatest of each row.

    Parameters
    ----------
    together, counts
        Gram matrix G, (items, items): off its diagonal, and its diagonal.
    targets
        T, (items, items).

    Notes
    -----
    In single precision and with one thread of BLAS, whose parts depend on the number of threads, so that any number
    gives the same bits.
    """
    import scipy.linalg

    with DENSE:
        factor = scipy.linalg.cholesky(_gram(together, counts, regularisation), overwrite_a=True, check_finite=False)
        dense = targets.astype(np.float32).toarray(order="F")
        found = scipy.linalg.cho_solve((factor, False), dense, overwrite_b=True, check_finite=False)
        np.fill_diagonal(found, 0)
        return sparse_rows(found, kept)


def sparse_rows(dense: Single, kept: int) -> Csr:
    """The ``kept`` greatest of each row, be they negative."""
    out = []
    for start in range(0, len(dense), ROWS):
        part = dense[start : start + ROWS]
        size = np.abs(part)
        if kept < part.shape[1]:
            threshold = np.partition(size, -kept, axis=1)[:, -kept, None]
            part = np.where(size >= threshold, part, 0)
        out.append(csr_array(part.astype(np.float64).round(PLACES)))
    return vstack(out).tocsr()


def _gram(together: Csr, counts: Ints | Floats, regularisation: float) -> Single:
    gram: Single = together.astype(np.float32).toarray(order="F")
    np.fill_diagonal(gram, counts.astype(np.float32) + np.float32(regularisation))
    return gram
