"""The off-policy estimate against the truth of a world in which every list could be tried."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from recommender_world import AS_OF, fitted, tiny_world
from scipy.sparse import csr_array

from ml.recommender.lists import Shape, chances, make_lists
from ml.recommender.logged import judge_logged
from ml.recommender.offpolicy import CLIP, off_policy
from ml.recommender.recommend import ListPlan, recommend
from ml.recommender.rules import Case

RNG = np.random.default_rng(4)
ITEMS = 8
TASTE = np.linspace(0.02, 0.4, ITEMS)
"""True chance that somebody clicks each item."""


def drawn(rows: int, policy: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    items = rng.choice(ITEMS, rows, p=policy)
    return items, (rng.random(rows) < TASTE[items]).astype(float)


OLD, NEW = np.full(ITEMS, 1 / ITEMS), np.arange(1, ITEMS + 1) / np.arange(1, ITEMS + 1).sum()


def test_the_estimate_is_the_truth_of_the_new_policy_and_not_of_the_old() -> None:
    items, clicked = drawn(40_000, OLD, 1)
    found = off_policy(clicked, OLD[items], NEW[items], np.arange(len(items)) // 4, seed=1)
    truth, old = float(NEW @ TASTE), float(OLD @ TASTE)
    assert found.low < truth < found.high
    assert found.logged == pytest.approx(old, abs=0.01)
    assert found.logged < found.low


def test_over_many_logs_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    held = 0
    for seed in range(60):
        items, clicked = drawn(600, OLD, seed)
        found = off_policy(clicked, OLD[items], NEW[items], np.arange(len(items)), seed=seed)
        held += found.low < NEW @ TASTE < found.high
    assert held >= 52


def test_the_same_policy_weighs_every_row_the_same_and_another_leaves_few_rows() -> None:
    items, clicked = drawn(1000, OLD, 2)
    same = off_policy(clicked, OLD[items], OLD[items], np.arange(1000), seed=1)
    assert same.effective_rows == pytest.approx(1000)
    assert same.value == pytest.approx(same.logged)
    narrow = np.eye(ITEMS)[0]
    other = off_policy(clicked, OLD[items], narrow[items], np.arange(1000), seed=1)
    assert other.effective_rows == pytest.approx((items == 0).sum())


def test_rare_rows_are_clipped_and_counted() -> None:
    found = off_policy(np.array([1.0, 0.0]), np.array([0.001, 1.0]), np.array([1.0, 1.0]), np.arange(2), seed=1)
    assert found.clipped_share == 0.5
    assert found.value == pytest.approx(CLIP / (CLIP + 1))


def test_what_cannot_have_been_shown_is_refused() -> None:
    with pytest.raises(ValueError, match="1 logged propensities are not within"):
        off_policy(np.ones(2), np.array([0.0, 0.5]), np.ones(2), np.arange(2), seed=1)


def test_without_a_row_in_common_nothing_is_said() -> None:
    found = off_policy(np.ones(3), np.ones(3), np.zeros(3), np.arange(3), seed=1)
    assert np.isnan(found.value)
    assert found.effective_rows == 0


CROWD = [(f"x{n}", f"item{m:02}", 40) for n in range(12) for m in range(30) if (n + m) % 3]


def test_chances_of_a_list_are_those_with_which_its_rows_are_published(tmp_path: Path) -> None:
    world = tiny_world(tmp_path, bought=CROWD)
    known, (block,) = fitted(world), world.blocks()
    case = known.case(block)
    scores, shape = known.scores(case, known.propose(case)), Shape(5, 1, as_of="day")
    odds = chances(scores, case, known.popularity, shape).toarray()
    assert odds.sum(axis=1) == pytest.approx(np.full(len(block), 5), abs=1e-6)
    made = make_lists(scores, case, known.popularity, shape)
    told = ~made.is_fallback
    assert odds[made.rows[told], made.items[told]] == pytest.approx(made.propensities[told])


def test_with_several_slots_an_item_is_shown_about_as_often_as_its_chance_says(tmp_path: Path) -> None:
    world = tiny_world(tmp_path, bought=[*CROWD, ("c", "item01", 60)])
    known, (block,) = fitted(world), world.blocks()
    case = known.case(block)
    scores = known.scores(case, known.propose(case))
    odds = chances(scores, case, known.popularity, Shape(5, 2)).toarray()
    shown = np.zeros(odds.shape)
    for day in range(1_000):
        made = make_lists(scores, case, known.popularity, Shape(5, 2, as_of=str(day)))
        shown[made.rows, made.items] += (1 - made.is_fallback) / 1_000
    drawn = (odds > 0) & (odds < 1)
    assert drawn.sum() > 60
    assert shown[odds == 1] == pytest.approx(1)
    assert np.abs(shown[drawn].mean() / odds[drawn].mean() - 1) < 0.05
    assert np.sqrt(np.mean((shown - odds)[drawn] ** 2)) < 0.12 * odds[drawn].mean()


def test_where_all_that_is_new_is_drawn_it_is_certain(tmp_path: Path) -> None:
    world = tiny_world(tmp_path, bought=[("c", item, 60) for item in "abc"], items=list("abcde"))
    known, (block,) = fitted(world), world.blocks()
    case = Case(world.catalogue, known.rhythm, block, has_rules=False)
    scores = csr_array(np.array([[0.4, 0.3, 0.2, 0.06, 0.04]]))
    shape = Shape(5, 2)
    assert chances(scores, case, known.popularity, shape).toarray().tolist() == [[1, 1, 1, 1, 1]]


@pytest.mark.parametrize("slots", [2, 4])
def test_whatever_a_slot_may_draw_has_a_chance(tmp_path: Path, slots: int) -> None:
    crowd = [(f"x{n:02}", f"item{m:02}", 40) for n in range(12) for m in range(40) if (n + m) % 3]
    world = tiny_world(tmp_path, bought=[*crowd, ("c", "item01", 60)])
    known, (block,) = fitted(world), world.blocks()
    case = known.case(block)
    scores = known.scores(case, known.propose(case))
    odds = chances(scores, case, known.popularity, Shape(6, slots)).toarray()
    for day in range(60):
        made = make_lists(scores, case, known.popularity, Shape(6, slots, as_of=str(day)))
        assert (odds[made.rows, made.items] > 0)[~made.is_fallback].all()


def test_where_a_list_drew_all_that_is_new_every_row_counts_once(tmp_path: Path) -> None:
    crowd = [(f"x{n}", item, 40) for n in range(9) for item in "abcde"]
    own = [("c", item, 60 + 30 * n) for item in "abc" for n in range(4)]
    world = tiny_world(tmp_path, bought=[*crowd, *own])
    known, path, shape = fitted(world), tmp_path / "lists.parquet", Shape(5, 2, as_of=str(AS_OF))
    recommend(world, known.model, "demo.recommender/1", ListPlan(AS_OF, "demo", shape), path)
    lists = pq.read_table(path).to_pandas()
    mine = lists[lists["customer_id"] == "c"]
    assert sorted(mine[mine["source"] == "discovery"]["propensity"] < 1) == [False, True]
    answers = mine[["recommendation_id", "customer_id", "product_id"]].assign(clicks=1, order_lines=0, as_of_date=AS_OF)
    pq.write_table(pa.Table.from_pandas(answers, preserve_index=False), tmp_path / "recommender_answers.parquet")
    assert judge_logged(known, world, path, shape, seed=1)["clicks"].effective_rows == pytest.approx(len(mine))


@pytest.mark.parametrize("slots", [1, 2, 4])
def test_published_lists_and_their_answers_judge_the_model_that_made_them(tmp_path: Path, slots: int) -> None:
    """Everybody saw everything and clicked the drawn item: under the same model every row counts once."""
    world = tiny_world(tmp_path, bought=CROWD)
    known, path = fitted(world), tmp_path / "lists.parquet"
    shape = Shape(5, slots, as_of=str(AS_OF))
    recommend(world, known.model, "demo.recommender/1", ListPlan(AS_OF, "demo", shape), path)
    lists = pq.read_table(path).to_pandas()
    later = AS_OF + timedelta(30)
    tiny_world(tmp_path, bought=CROWD, as_of=later)
    answers = lists[~lists["is_fallback"]][["recommendation_id", "customer_id", "product_id"]].copy()
    answers["clicks"] = (lists["source"] == "discovery").astype("int64")
    answers["order_lines"] = 0
    answers["as_of_date"] = later
    pq.write_table(pa.Table.from_pandas(answers, preserve_index=False), tmp_path / "recommender_answers.parquet")
    scored = type(world)(tmp_path, later, world.engine)
    found = judge_logged(known, scored, path, shape, seed=1)
    assert found["clicks"].effective_rows == pytest.approx(len(answers), rel=1e-6 if slots == 1 else 0.04)
    assert found["clicks"].value == pytest.approx(answers["clicks"].mean(), rel=1e-6 if slots == 1 else 0.05)
    assert found["orders"].value == 0
