"""Cutting and ranking of sparse rows against sorting them one by one, ties and entries out of order included."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from ml.recommender.cuts import standing, top

RNG = np.random.default_rng(6)


def drawn(rows: int, columns: int, *, ties: bool) -> csr_array:
    """Sparse values; entries of each row in any order, as a product leaves them."""
    dense = RNG.random((rows, columns)) + 0.5
    dense = np.ceil(dense * 2) if ties else dense
    dense[RNG.random((rows, columns)) > 0.5] = 0
    dense[rows // 2] = 0
    made = csr_array(dense)
    for row in range(rows):
        own = slice(made.indptr[row], made.indptr[row + 1])
        order = RNG.permutation(own.stop - own.start)
        made.indices[own], made.data[own] = made.indices[own][order], made.data[own][order]
    made.has_sorted_indices = False
    return made


def best(row: np.ndarray) -> list[int]:
    """Columns by value, ties to the lower one."""
    return sorted(np.flatnonzero(row).tolist(), key=lambda column: (-row[column], column))


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("count", [1, 7, 99])
def test_the_top_of_each_row_is_that_of_sorting_it(ties: bool, count: int) -> None:
    m = drawn(40, 30, ties=ties)
    dense = m.toarray()
    found = top(m, count)
    assert found.has_canonical_format
    for row in range(40):
        wanted = sorted(best(dense[row])[:count])
        assert found.indices[found.indptr[row] : found.indptr[row + 1]].tolist() == wanted
        assert (found.toarray()[row][wanted] == dense[row][wanted]).all()


@pytest.mark.parametrize("ties", [False, True])
def test_standing_is_value_and_place_in_the_sorted_row(ties: bool) -> None:
    m = drawn(40, 30, ties=ties)
    dense = m.toarray()
    rows, columns = np.nonzero(RNG.random((40, 30)) < 0.4)
    share, rank = standing(m, rows, columns)
    assert (share == dense[rows, columns]).all()
    expected = [best(dense[row]).index(column) + 1 if dense[row, column] else 0
                for row, column in zip(rows, columns, strict=True)]  # fmt: skip
    assert rank.tolist() == expected
