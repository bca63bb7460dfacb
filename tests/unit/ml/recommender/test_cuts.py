"""Cutting and ranking of sparse rows against sorting them one by one, ties and entries out of order included."""

from pathlib import Path

import numpy as np
import pytest
from recommender_world import AS_OF, fitted, tiny_world
from scipy.sparse import csr_array

from ml.recommender import cuts, sparse
from ml.recommender.cuts import (
    best_of_dense,
    best_of_product,
    best_of_sum,
    dense_product,
    standing,
    strongest,
    top,
)
from ml.recommender.lists import Shape
from ml.recommender.recommend import ListPlan, write_lists
from ml.recommender.sparse import Barred, Pairs, Sum, at, find, matrix, normalised

RNG = np.random.default_rng(6)


@pytest.fixture(params=["plain", "compiled"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of every operation, whatever its size."""
    compile_from(10**12 if request.param == "plain" else 0, monkeypatch)
    return str(request.param)


def compile_from(least: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that may be compiled, from that size on."""
    for module in (cuts, sparse):
        for name in vars(module):
            if name.startswith("COMPILED_"):
                monkeypatch.setattr(module, name, least)


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


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("count", [1, 7, 99])
def test_the_top_of_each_row_is_that_of_sorting_it(ties: bool, count: int) -> None:
    m = drawn(40, 30, ties=ties)
    m.data[:] = m.data * RNG.choice([-1, 1], len(m.data))
    dense = m.toarray()
    found = top(m, count)
    assert found.has_canonical_format
    for row in range(40):
        wanted = sorted(best(dense[row])[:count])
        assert found.indices[found.indptr[row] : found.indptr[row + 1]].tolist() == wanted
        assert (found.toarray()[row][wanted] == dense[row][wanted]).all()


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.usefixtures("way")
def test_standing_is_the_value_of_a_cell_and_its_place_in_the_sorted_row(ties: bool) -> None:
    m = drawn(40, 30, ties=ties)
    dense = m.toarray()
    rows, columns = np.nonzero(RNG.random((40, 30)) < 0.4)
    share, rank = standing(m, rows, columns)
    assert (share == dense[rows, columns]).all()
    assert (at(m, rows, columns) == dense[rows, columns]).all()
    expected = [best(dense[row]).index(column) + 1 if dense[row, column] else 0
                for row, column in zip(rows, columns, strict=True)]  # fmt: skip
    assert rank.tolist() == expected


def cut(dense: np.ndarray, count: int) -> np.ndarray:
    """The best positive values of each row of an array, everything else zero."""
    out = np.zeros(dense.shape)
    for row, values in enumerate(dense):
        chosen = [column for column in best(np.maximum(values, 0)) if values[column] > 0][:count]
        out[row, chosen] = values[chosen]
    return out


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("count", [1, 6, 40])
@pytest.mark.parametrize(("share", "shut"), [(0, 0), (0.4, 0), (0, 0.4), (0.2, 0.3)])
def test_the_best_of_a_product_are_those_of_the_whole_product(
    ties: bool, count: int, share: float, shut: float
) -> None:
    """With negative weights, sums that fall back to zero, barred cells and columns, and far more cells than there is
    room for at once."""
    left, right = drawn(30, 25, ties=ties), drawn(25, 300, ties=ties)
    right.data[:] = right.data * RNG.choice([-1, 1], len(right.data))
    forbidden = RNG.random((30, 300)) < share
    kinds, closed = RNG.integers(0, 3, 30), RNG.random((3, 300)) < shut
    closed[1] = False
    found = best_of_product(left, right, count, Barred(Pairs.of(*np.nonzero(forbidden), 300), kinds, closed))
    forbidden |= closed[kinds]
    whole = (left @ right).toarray()
    assert found.has_canonical_format
    assert (found.toarray() == cut(np.where(forbidden, 0, whole), count)).all()


@pytest.mark.usefixtures("way")
def test_the_cells_of_a_product_are_those_of_the_product_of_arrays() -> None:
    left, right = drawn(30, 25, ties=False), drawn(25, 300, ties=False)
    assert np.allclose(dense_product(left, right), left.toarray() @ right.toarray(), rtol=1e-12)


@pytest.mark.usefixtures("way")
def test_ties_go_to_lower_columns_though_higher_ones_were_reached_first() -> None:
    high, low = np.arange(100, 200), np.arange(100)
    right = matrix(np.append(np.where(high == 150, 2.0, 1.0), np.ones(100)), np.repeat([0, 1], 100),
                   np.append(high, low), (2, 200))  # fmt: skip
    nothing = Barred(Pairs(np.empty(0, np.int64), 200), np.zeros(1, np.int64), np.zeros((1, 200), bool))
    found = best_of_product(csr_array([[1.0, 1.0]]), right, 6, nothing)
    assert found.indices.tolist() == [0, 1, 2, 3, 4, 150]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("count", [1, 6, 40])
def test_the_best_of_a_weighted_sum_are_those_of_the_rounded_sum(count: int) -> None:
    terms, weights = [drawn(30, 400, ties=False) for _ in range(3)], RNG.random((30, 3)).round(3)
    found = best_of_sum(terms, weights, count, 2)
    whole = sum(weights[:, number, None] * term.toarray() for number, term in enumerate(terms))
    assert (found.toarray() == cut(whole.round(2), count)).all()


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("count", [1, 6, 40])
def test_the_best_of_an_array_are_its_greatest_positive_values(count: int) -> None:
    dense = np.ceil(RNG.standard_normal((20, 350)) * 4).astype(np.float32)
    assert (best_of_dense(dense, count).toarray() == cut(dense, count)).all()


@pytest.mark.usefixtures("way")
def test_the_strongest_is_the_inner_index_that_adds_most_and_none_that_takes_away() -> None:
    left, right = drawn(20, 12, ties=True), (drawn(12, 30, ties=True) - 2 * drawn(12, 30, ties=True)).tocsr()
    rows, columns = np.nonzero(RNG.random((20, 30)) < 0.5)
    parts = left.toarray()[rows] * right.toarray().T[columns]
    assert strongest(left, right, rows, columns).tolist() == [
        int(part.argmax()) if part.max() > 0 else -1 for part in parts
    ]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("order", ["in order", "by chance"])
def test_a_key_is_found_where_it_stands(order: str) -> None:
    keys = np.unique(RNG.integers(0, 3_000, 500))
    wanted = RNG.integers(-5, 3_050, 2_000)
    wanted = np.sort(wanted) if order == "in order" else wanted
    found, where = find(keys, wanted)
    assert (found == np.isin(wanted, keys)).all()
    assert (keys[where[found]] == wanted[found]).all()
    assert not find(keys[:0], wanted)[0].any()


def test_pairs_are_the_same_whatever_the_order_in_which_they_are_told() -> None:
    rows, columns = np.array([2, 0, 2, 0, 1]), np.array([1, 3, 1, 2, 0])
    order = np.lexsort((columns, rows))
    assert Pairs.of(rows, columns, 5).keys.tolist() == Pairs.of(rows[order], columns[order], 5).keys.tolist()
    assert Pairs.of(rows, columns, 5).keys.tolist() == [2, 3, 5, 11]


def test_a_matrix_is_the_same_whatever_the_order_of_its_cells_and_keeps_no_zeros() -> None:
    values, rows, columns = np.array([1.0, 0, 3, 4]), np.array([0, 0, 2, 2]), np.array([1, 4, 0, 3])
    told = matrix(values, rows, columns, (4, 5))
    turned = matrix(values[::-1], rows[::-1], columns[::-1], (4, 5))
    twice = matrix(np.append(values, 2.0), np.append(rows, 2), np.append(columns, 3), (4, 5))
    assert told.nnz == turned.nnz == 3
    assert (told.toarray() == turned.toarray()).all()
    assert twice.toarray()[2].tolist() == [3, 0, 0, 6, 0]


@pytest.mark.usefixtures("way")
def test_shares_sum_to_one_and_what_is_left_out_is_gone() -> None:
    m = drawn(10, 12, ties=False)
    shares = normalised(m).toarray()
    assert shares.sum(axis=1) == pytest.approx([float(row != 5) for row in range(10)])
    kept = RNG.random(m.nnz) < 0.5
    rest = normalised(m, kept)
    dense = m.toarray()
    dense[dense > 0] *= kept
    assert rest.nnz == kept.sum()
    assert rest.toarray() == pytest.approx(dense / np.maximum(dense.sum(axis=1, keepdims=True), 1e-300))


def test_lists_have_the_same_bytes_both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = [(f"c{n}", f"item{(7 * n + m * m) % 40}", 5 + 3 * m) for n in range(60) for m in range(9)]
    model = fitted(tiny_world(tmp_path / "shop", bought=crowd))
    made = []
    for least in (10**12, 0):
        compile_from(least, monkeypatch)
        write_lists(model, "1", ListPlan(AS_OF, "shop", Shape(5, 1)), tmp_path / f"{least}.parquet")
        made.append((tmp_path / f"{least}.parquet").read_bytes())
    assert made[0] == made[1]


def test_a_sum_is_that_of_all_its_parts_and_adds_those_of_about_one_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 64 parts that have no cell in common each is copied as often as they can be halved, and not 32 times."""
    total, copied, join = Sum((64, 100)), [0], Sum._join

    def counted(self: Sum) -> None:
        copied[0] += self._parts[-2].nnz + self._parts[-1].nnz
        join(self)

    monkeypatch.setattr(Sum, "_join", counted)
    for row in range(64):
        total.add(csr_array((np.arange(1, 101), (np.full(100, row), np.arange(100))), shape=(64, 100)))
    found = total.total()
    assert (found.toarray() == np.arange(1, 101)).all()
    assert copied[0] <= 8 * 6400
    assert found.has_sorted_indices
