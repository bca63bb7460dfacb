"""Compiled loops give the bits of the plain way, ties and empty rows included; sorted cells make the same matrix."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from ml.recommender import sparse
from ml.recommender.sparse import matrix, standing, strongest, top_product

RNG = np.random.default_rng(6)
NEVER, ALWAYS = 10**12, 0


def drawn(rows: int, columns: int, share: float, *, whole: bool = False) -> csr_array:
    """Sparse values from -1 to 2; ``whole``: few different ones, so that there are ties."""
    dense = RNG.random((rows, columns)) * 3 - 1
    dense = np.round(dense) if whole else dense
    dense[RNG.random((rows, columns)) > share] = 0
    dense[rows // 2] = 0
    return csr_array(dense)


def both_ways(monkeypatch: pytest.MonkeyPatch, work):  # type: ignore[no-untyped-def]
    found = []
    for limit in (NEVER, ALWAYS):
        monkeypatch.setattr(sparse, "COMPILED_FROM", limit)
        monkeypatch.setattr(sparse, "COMPILED_CELLS", limit)
        found.append(work())
    return found


@pytest.mark.parametrize("whole", [False, True], ids=["all different", "ties"])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_the_best_of_a_product_are_the_same_compiled(monkeypatch: pytest.MonkeyPatch, whole: bool, kind: type) -> None:
    left, right = drawn(60, 40, 0.2, whole=whole), drawn(40, 90, 0.5, whole=whole).astype(kind)
    for count in (1, 7, 200):
        plain, compiled = both_ways(monkeypatch, lambda count=count: top_product(left, right, count))
        assert (plain.indptr == compiled.indptr).all()
        assert (plain.indices == compiled.indices).all()
        assert plain.data.tobytes() == compiled.data.tobytes()
        dense = np.maximum((left @ right).toarray(), 0)
        assert (np.diff(plain.indptr) == np.minimum((dense > 0).sum(axis=1), count)).all()


@pytest.mark.parametrize("whole", [False, True], ids=["all different", "ties"])
def test_standing_is_the_same_compiled(monkeypatch: pytest.MonkeyPatch, whole: bool) -> None:
    m = drawn(50, 30, 0.4, whole=whole)
    rows, columns = np.nonzero(RNG.random((50, 30)) < 0.3)
    plain, compiled = both_ways(monkeypatch, lambda: standing(m, rows, columns))
    for one, other in zip(plain, compiled, strict=True):
        assert (one == other).all()
    assert plain[1].max() > 1
    assert (plain[1][plain[0] == 0] == 0).all()


@pytest.mark.parametrize("whole", [False, True], ids=["all different", "ties"])
def test_the_strongest_part_of_a_cell_is_the_same_compiled(monkeypatch: pytest.MonkeyPatch, whole: bool) -> None:
    left, right = drawn(50, 30, 0.3, whole=whole), drawn(30, 40, 0.3, whole=whole)
    rows, columns = RNG.integers(0, 50, 400), RNG.integers(0, 40, 400)
    plain, compiled = both_ways(monkeypatch, lambda: strongest(left, right, rows, columns))
    assert (plain == compiled).all()
    assert (plain == -1).any()
    assert (plain >= 0).any()


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_matrix_is_the_same_whatever_the_order_of_its_cells(shuffled: bool) -> None:
    dense = drawn(20, 10, 0.5, whole=True).toarray()
    rows, columns = np.nonzero(dense > -9)
    order = RNG.permutation(len(rows)) if shuffled else np.arange(len(rows))
    built = matrix(dense[rows, columns][order], rows[order], columns[order], dense.shape)
    assert (built.toarray() == dense).all()
    assert built.nnz == (dense != 0).sum(), "zeros are no entries"
    assert built.has_canonical_format
    twice = matrix(np.ones(3), np.array([0, 0, 1]), np.array([1, 1, 0]), (2, 2))
    assert twice.toarray().tolist() == [[0, 2], [1, 0]]
