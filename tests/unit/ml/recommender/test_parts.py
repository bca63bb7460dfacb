"""Choice of generators, linear algebra, and what the ranker sees, each against a plain computation."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from recommender_world import fitted, tiny_world
from scipy.sparse import csr_array

from ml.recommender import ranker as ranking
from ml.recommender.candidates import Candidates, feature_names
from ml.recommender.choice import MANY_CUSTOMERS, choose, costs, counted, look, mode_of, within_budget
from ml.recommender.generators import GENERATORS
from ml.recommender.lessons import Lesson
from ml.recommender.outcomes import outcomes
from ml.recommender.ranker import Ranker, learn_order, teaching_rows
from ml.recommender.solver import autoencoder, least_squares, regression
from ml.recommender.state import item_states

RNG = np.random.default_rng(8)


def test_what_cannot_say_anything_is_left_out_with_its_reason(tmp_path: Path) -> None:
    bought = [(f"c{n}", f"item{n % 7}", 10) for n in range(30)]
    names, left = choose(look(tiny_world(tmp_path, bought=bought)), list(GENERATORS))
    reasons = {one.name: one.reason for one in left}
    assert reasons["repurchase"] == "nobody buys anything twice"
    assert reasons["transitions"] == "hardly anybody came back"
    assert reasons["bought_together"] == "no basket has several items"
    assert reasons["category_popularity"] == "items have no categories"
    assert reasons["stated"] == "nobody stated a preference"
    assert "walks" in names
    assert not set(names) & set(reasons)


def test_what_the_shop_does_not_say_is_unknown_and_no_text(tmp_path: Path) -> None:
    known = tiny_world(tmp_path, bought=[("c", "tea", 9)], items={"tea": {"product_name": None}}).catalogue
    assert known.category_paths.tolist() == known.brands.tolist() == known.names.tolist() == [None]
    assert known.label(np.array([0])).tolist() == ["tea"]


def test_the_matrix_of_all_items_is_not_tried_where_it_does_not_fit(tmp_path: Path) -> None:
    world = tiny_world(tmp_path, bought=[("c", "tea", 9)], items=[f"i{n:05}" for n in range(20_001)])
    assert "ease" in {one.name for one in choose(look(world), list(GENERATORS))[1]}


def test_the_least_useful_generator_goes_first_until_the_rest_fits() -> None:
    cost = {"a": 5.0, "b": 4.0, "c": 3.0}
    kept, left = within_budget(list(cost), 8.0, cost, {"a": 0.5, "b": 0.1, "c": 0.4})
    assert kept == ["a", "c"]
    assert [one.name for one in left] == ["b"]
    assert within_budget(list(cost), 100.0, cost, {})[0] == list(cost)
    assert len(within_budget(list(cost), 0.0, cost, {})[0]) == 1


def test_what_no_purchase_spoke_for_is_left_out_where_many_customers_would_wait_for_it() -> None:
    weights = np.array([[0.7, 0.3, 0.0], [0.9905, 0.0, 0.0095]])
    assert counted(["a", "b", "c"], weights, MANY_CUSTOMERS - 1) == (["a", "b", "c"], [])
    kept, left = counted(["a", "b", "c"], weights, MANY_CUSTOMERS)
    assert kept == ["a", "b"]
    assert [one.name for one in left] == ["c"]
    assert "less than 1% with everybody" in left[0].reason


def test_more_customers_are_expected_to_cost_more(tmp_path: Path) -> None:
    shop = look(tiny_world(tmp_path, bought=[("c", "tea", 9)]))
    many = replace(shop, customers=1000 * shop.customers, pairs=1000 * shop.pairs)
    for name, seconds in costs(many, list(GENERATORS)).items():
        assert seconds > 500 * costs(shop, [name])[name], name


def test_a_larger_catalogue_is_expected_to_cost_more(tmp_path: Path) -> None:
    small = look(tiny_world(tmp_path / "a", bought=[("c", "tea", 9)]))
    large = look(tiny_world(tmp_path / "b", bought=[("c", "tea", 9)], items=[f"i{n}" for n in range(3000)]))
    assert costs(large, ["ease"])["ease"] > 1000 * costs(small, ["ease"])["ease"]


@pytest.mark.parametrize(
    ("share", "of_known", "mode"),
    [
        (0.0, 0.0, "discovery"), (0.5, 0.6, "mixed"), (0.99, 0.99, "repeat"),
        (0.01, 0.3, "mixed"), (0.5, 1.0, "mixed"), (0.0, np.nan, "mixed"),
    ],
)  # fmt: skip
def test_the_mode_follows_the_share_of_repeats(share: float, of_known: float, mode: str) -> None:
    assert mode_of(share, of_known) == mode


def test_the_share_of_repeats_is_that_of_customers_who_could_repeat(tmp_path: Path) -> None:
    """In a young shop nearly all who buy do so for the first time, whatever they will do next month."""
    people = [f"new{n}" for n in range(98)]
    first = [(who, "tea") for who in people]
    then = [*first, ("old", "tea"), ("old", "pot")]
    known = tiny_world(tmp_path / "a", bought=[("old", "tea", 9)], people=people, then=then)
    unknown = tiny_world(tmp_path / "b", people=people, then=first)
    assert Lesson(known, outcomes(known)).repeat_share == 0.01
    assert Lesson(known, outcomes(known)).repeat_share_of_known == 0.5
    assert np.isnan(Lesson(unknown, outcomes(unknown)).repeat_share_of_known)


def test_least_squares_are_those_of_solving_each_row_by_itself_whatever_the_length() -> None:
    others = RNG.standard_normal((40, 24)).astype(np.float32)
    dense = (RNG.random((30, 40)) < 0.3) * RNG.random((30, 40))
    dense[3] = 0
    own = csr_array(dense)
    gram = (others.T @ others + 2 * np.eye(24)).astype(np.float32)
    found = least_squares(own.indptr, own.indices, own.data.astype(np.float32), others, gram)
    for row in range(30):
        items = own.indices[own.indptr[row] : own.indptr[row + 1]]
        worth = own.data[own.indptr[row] : own.indptr[row + 1]]
        left = gram + (others[items].T * worth) @ others[items]
        assert found[row] == pytest.approx(np.linalg.solve(left, others[items].T @ (1 + worth)), abs=1e-3)
    assert (found[3] == 0).all()


def gram() -> tuple[np.ndarray, csr_array, np.ndarray]:
    had = (RNG.random((200, 12)) < 0.3).astype(float)
    whole = had.T @ had
    return whole, csr_array(whole - np.diag(np.diag(whole))), np.diag(whole).astype(np.int64)


def test_ease_is_its_closed_form() -> None:
    whole, together, counts = gram()
    inverse = np.linalg.inv(whole + 10 * np.eye(12))
    expected = -inverse / np.diag(inverse)[None, :]
    np.fill_diagonal(expected, 0)
    assert autoencoder(together, counts, 10.0) == pytest.approx(expected, abs=1e-4)


def test_dropout_adds_its_odds_times_how_often_an_item_was_chosen_to_its_own_ridge() -> None:
    """Steck 2020, equation 10."""
    whole, together, counts = gram()
    inverse = np.linalg.inv(whole + np.diag(0.25 / 0.75 * counts + 10))
    expected = -inverse / np.diag(inverse)[None, :]
    np.fill_diagonal(expected, 0)
    assert autoencoder(together, counts, 10.0, 0.25) == pytest.approx(expected, abs=1e-4)


def test_ridge_weights_are_their_closed_form_and_only_the_greatest_are_kept() -> None:
    whole, together, counts = gram()
    targets = csr_array((RNG.random((12, 12)) < 0.4).astype(float))
    expected = np.linalg.solve(whole + 10 * np.eye(12), targets.toarray())
    np.fill_diagonal(expected, 0)
    found = regression(together, counts, targets, 10.0, 12).toarray()
    assert found == pytest.approx(expected, abs=1e-4)
    few = regression(together, counts, targets, 10.0, 3)
    assert (np.diff(few.indptr) == 3).all()


def test_an_item_that_has_not_sold_for_long_is_known_as_such(tmp_path: Path) -> None:
    bought = [("a", "new", 3), ("b", "new", 20), ("a", "old", 300), ("a", "old", 340), ("c", "new", 3)]
    world = tiny_world(tmp_path, bought=bought, items=["never"])
    found = item_states(world)
    place = {item: number for number, item in enumerate(world.catalogue.product_ids)}
    assert [int(count[place["new"]]) for count in found.sold] == [2, 3, 3, 3]
    assert [int(count[place["old"]]) for count in found.sold] == [0, 0, 0, 2]
    assert found.season[place["old"]] == 1
    assert found.days_since[place["old"]] == 300
    assert found.days_since[place["never"]] > 3660
    assert found.again[place["old"]] == 1


def test_features_are_named_once_and_as_many_as_there_are_columns(tmp_path: Path) -> None:
    world = tiny_world(tmp_path, bought=[("a", "tea", 60), ("a", "pot", 60), ("b", "tea", 90), ("b", "tea", 60)])
    known, (block,) = fitted(world), world.blocks()
    case = known.case(block)
    found = known.candidates(case, known.propose(case))
    names = feature_names(known.model.generators)
    assert len(set(names)) == len(names) == found.X.shape[1]
    own = dict(zip(names, found.X.T, strict=True))
    again = (found.rows == 1) & (world.catalogue.product_ids[found.items] == "tea")
    assert own["own_days"][again].tolist() == [2]
    assert own["days_since_own"][again].tolist() == [60]


def test_the_ranker_learns_which_feature_is_right_by_few_lists_a_sum_and_by_many_trees_as_well() -> None:
    rows = np.repeat(np.arange(1200), 10)
    X = RNG.random((12_000, 3)).astype(np.float32)
    best = np.array([X[rows == row, 1].argmax() for row in range(1200)])
    bought = np.tile(np.arange(10), 1200) == np.repeat(best, 10)

    def learn(count: int) -> Ranker | None:
        part = slice(0, 10 * count)
        return learn_order([(Candidates(rows[part], rows[part], X[part]), bought[part])], ["a", "b", "c"], seed=1)

    assert learn(99) is None
    few, many = learn(100), learn(1200)
    assert few is not None
    assert few.trees is None
    assert many is not None
    assert many.gains()["b"] > 0.8
    found = Candidates(rows, np.tile(np.arange(10), 1200), X)
    for ranker in (few, many):
        scores = ranker.scores(found, (1200, 10))
        assert scores.sum(axis=1) == pytest.approx(np.ones(1200))
        assert (scores.toarray().argmax(axis=1) == best).mean() > 0.8


def test_of_many_candidates_all_that_were_bought_teach_and_of_the_others_some_whatever_their_rank(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows, rank = np.repeat(np.arange(500), 20), np.tile(np.arange(1.0, 21.0), 500)
    bought = RNG.random(len(rows)) < 0.04
    lists = [(Candidates(rows, rank.astype(np.int64), rank.astype(np.float32)[:, None]), bought)]
    X, label, sizes = teaching_rows(lists, 1)
    of_buyers = np.isin(rows, rows[bought])
    assert (len(X), len(sizes)) == (of_buyers.sum(), len(np.unique(rows[bought]))), "few teach whole"
    monkeypatch.setattr(ranking, "MOST_PASSED_OVER", 2000)
    X, label, sizes = teaching_rows(lists, 1)
    assert label.sum() == bought.sum()
    assert sizes.sum() == len(X) == len(label)
    assert (~label).sum() == pytest.approx(2000, rel=0.1)
    by_rank = (
        np.bincount(X[~label, 0].astype(int), minlength=21)[1:] / np.bincount(rank[of_buyers & ~bought].astype(int))[1:]
    )
    assert by_rank == pytest.approx(np.full(20, by_rank.mean()), abs=0.15), "drawn blindly"
