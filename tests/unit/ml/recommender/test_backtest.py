"""Metrics against brute force, weights that find the generator that is right, and a gate that refuses a worse one."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from recommender_world import AS_OF, fitted, tiny_world

from ml.bootstrap import paired_means
from ml.model import ModelFileError
from ml.recommender import model, ranker, recommend
from ml.recommender.backtest import Backtest, backtest
from ml.recommender.blend import HISTORY_STEPS, Blend, history_group, learn
from ml.recommender.data import World
from ml.recommender.gate import decide
from ml.recommender.lists import Shape
from ml.recommender.metrics import Hits, mean_ranks
from ml.recommender.model import RecommenderModel
from ml.recommender.outcomes import outcomes
from ml.recommender.recommend import ListPlan
from ml.recommender.rules import allowed
from ml.recommender.training import TooLittleData, TrainingPlan, TrainingResult, train
from ml.snapshots import Engine

RNG = np.random.default_rng(3)


def test_ranks_are_those_of_sorting_every_permutation_on_average() -> None:
    scores = np.array([[3.0, 1.0, 2.0, 2.0, 2.0], [0.0, 0.0, 0.0, 0.0, 5.0]])
    rows, items = np.array([0, 0, 0, 1]), np.array([0, 2, 1, 3])
    expected = np.zeros(4)
    for _ in range(4000):
        shuffled = RNG.permutation(5)
        order = [list(shuffled[np.argsort(-scores[r][shuffled], kind="stable")]) for r in range(2)]
        expected += [order[r].index(i) + 1 for r, i in zip(rows, items, strict=True)]
    ranks = mean_ranks(scores, rows, items)
    assert ranks.tolist() == [1, 3, 5, 3.5]
    assert np.abs(ranks - expected / 4000).max() < 0.1


def test_metrics_are_those_of_a_slow_and_plain_count() -> None:
    rows, ranks = np.array([0, 0, 0, 1, 2, 2]), np.array([1.0, 11, 4, 30, 2, 10])
    hits = Hits(3, rows, np.array([True, False, False, True, False, True]), ranks)
    recall, ndcg = [], []
    for customer in range(3):
        own = ranks[rows == customer]
        recall.append(sum(rank <= 10 for rank in own) / len(own))
        best = sum(1 / np.log2(place + 2) for place in range(min(len(own), 10)))
        ndcg.append(sum(1 / np.log2(rank + 1) for rank in own if rank <= 10) / best)
    assert hits.recall(10).tolist() == pytest.approx(recall)
    assert hits.ndcg(10).tolist() == pytest.approx(ndcg)
    assert hits.summary()["repeat_recall_at_10"] == pytest.approx((1 + 0 + 1) / 3)


def random_shop(folder: Path, as_of: date = AS_OF, seed: int = 5, customers: int = 60):  # type: ignore[no-untyped-def]
    """Customers who buy two favourites again and again and something popular besides."""
    rng = np.random.default_rng(seed)
    bought, then = [], []
    for n in range(customers):
        favourites = rng.choice(40, 2, replace=False)
        for age in range(20, 200, 20):
            item = favourites[rng.integers(2)] if rng.random() < 0.6 else int(rng.integers(40) * rng.random())
            bought.append((f"c{n:03}", f"p{item:02}", int(age)))
        later = {int(favourites[rng.integers(2)]), int(rng.integers(40))}
        then += [(f"c{n:03}", f"p{item:02}") for item in later]
    return tiny_world(folder, bought=bought, then=then, as_of=as_of, items=[f"p{item:02}" for item in range(40)])


def test_the_backtest_ranks_as_a_brute_force_over_all_items_does(tmp_path: Path) -> None:
    world = random_shop(tmp_path)
    known, happened = fitted(world), outcomes(world)
    found = backtest({"model": known}, happened, Shape(10, 0))
    (judged,) = happened
    case = known.case(judged.block)
    scores = known.scores(case, known.propose(case)).toarray()
    for row, item, rank in zip(judged.rows, judged.items, found.hits["model"].ranks, strict=True):
        every = np.arange(world.catalogue.size)
        open_ = allowed(case, np.full(len(every), row), every)
        keys = [(-1.0 if not open_[k] else 1 + scores[row, k] if scores[row, k] > 0 else known.popularity.overall[k])
                for k in every]  # fmt: skip
        above = sum(key > keys[item] for key in keys)
        same = sum(key == keys[item] for key in keys)
        assert rank == above + (same + 1) / 2
    purchases = sum(len(part.rows) for part in happened)
    assert found.summary()["purchases"] == purchases


def test_without_discovery_the_served_list_hits_what_the_ranking_hits(tmp_path: Path) -> None:
    world = random_shop(tmp_path)
    found = backtest({"model": fitted(world)}, outcomes(world), Shape(10, 0))
    ranked = found.hits["model"].ranks
    untied = ranked == ranked.round()
    assert ((found.served.ranks <= 10) == (ranked <= 10))[untied].all()


def last(found: Backtest, method: str, repeats: bool) -> set[bool]:
    """Whether purchases of things known, or new, to the customer were ranked last among all items, as what is forbidden
    is."""
    chosen = found.hits[method].is_repeat == repeats
    ranks = found.hits[method].ranks[chosen]
    return set((ranks > 35).tolist())


def test_each_model_is_judged_by_the_mode_that_it_serves_with(tmp_path: Path) -> None:
    world = random_shop(tmp_path)
    mixed, new = fitted(world), fitted(world, "discovery")
    found = backtest({"model": new, "champion": mixed}, outcomes(world), Shape(2, 0))
    assert last(found, "model", repeats=True) == {True}
    assert last(found, "champion", repeats=True) != {True}
    assert found.shapes["champion"] == backtest({"model": mixed}, outcomes(world), Shape(2, 0)).shapes["model"]
    assert found.shapes["champion"] != found.shapes["model"]


def test_what_the_shop_asks_for_binds_baselines_and_what_its_data_chose_does_not(tmp_path: Path) -> None:
    world = random_shop(tmp_path)
    models, happened = {"model": fitted(world, "discovery")}, outcomes(world)
    chosen = backtest(models, happened, Shape(10, 0))
    assert last(chosen, "personal_popularity", repeats=True) == {False}
    asked = backtest(models, happened, Shape(10, 0), asked="discovery")
    assert last(asked, "personal_popularity", repeats=True) == {True}


def test_a_champion_is_judged_with_the_mode_that_the_shop_asks_for(tmp_path: Path) -> None:
    champion = RecommenderModel.untrained("mixed").save(tmp_path / "champion")
    asked = replace(plan(), mode="discovery")
    found = trained(tmp_path / "a", asked, champion_folder=champion).backtest
    for name in ("model", "champion", "personal_popularity"):
        assert last(found, name, repeats=True) == {True}


def test_what_happens_after_the_as_of_changes_no_proposal(tmp_path: Path) -> None:
    """The world of an as-of is read by that as-of alone."""
    alone = random_shop(tmp_path / "a")
    random_shop(tmp_path / "b", as_of=AS_OF + timedelta(30), seed=99)
    beside = random_shop(tmp_path / "b")
    for mine, theirs in zip(alone.blocks(), beside.blocks(), strict=True):
        one, other = fitted(alone), fitted(beside)
        for left, right in zip(one.propose(one.case(mine)), other.propose(other.case(theirs)), strict=True):
            assert (left != right).nnz == 0


def test_weights_go_to_the_generator_that_foretold_what_was_bought() -> None:
    groups = np.array([0] * 300 + [5] * 300)
    right, wrong = np.full(300, 0.3), np.full(300, 0.02)
    shares = np.column_stack([np.concatenate([right, wrong]), np.concatenate([wrong, right])])
    weights = learn(shares, groups).weights
    assert weights[0, 0] > 0.8
    assert weights[5, 1] > 0.8
    assert weights.sum(axis=1) == pytest.approx(np.ones(len(HISTORY_STEPS) + 1), abs=1e-5)


def test_learned_weights_are_at_the_maximum_of_the_likelihood() -> None:
    shares = RNG.dirichlet(np.ones(3), 500) * np.array([0.5, 0.3, 0.2])
    weights = learn(shares, np.zeros(500, int)).weights[0]
    best = max(
        (np.log(shares @ np.array([a, b, 1 - a - b])).sum(), (a, b))
        for a in np.linspace(0, 1, 41) for b in np.linspace(0, 1 - a, 41)
    )[1]  # fmt: skip
    assert weights[:2] == pytest.approx(best, abs=0.04)


def test_customers_are_told_apart_by_what_they_have_bought() -> None:
    assert history_group(np.array([0, 1, 2, 3, 4, 15, 16, 400])).tolist() == [0, 1, 2, 2, 3, 4, 5, 5]


def plan() -> TrainingPlan:
    return TrainingPlan(AS_OF, (AS_OF - timedelta(60),), AS_OF - timedelta(30), 30)


def trained(folder: Path, asked: TrainingPlan | None = None, **more: object) -> TrainingResult:
    for day, seed in ((plan().taught_at[0], 1), (plan().judged_at, 2)):
        random_shop(folder, day, seed, customers=150)
    found = train(folder, asked or plan(), Engine(threads=1), **more)  # type: ignore[arg-type]
    assert isinstance(found, TrainingResult)
    return found


def test_in_a_shop_of_favourites_the_blend_beats_what_is_popular(tmp_path: Path) -> None:
    found = trained(tmp_path)
    recalls = {name: hits.recall(10) for name, hits in found.backtest.hits.items()}
    assert paired_means(recalls["model"], recalls["popularity"], seed=1).low > 0
    assert found.backtest.summary()["candidate_recall"] >= found.backtest.summary()["recall_at_10"]


def test_the_same_training_gives_the_same_bytes_and_a_model_survives_its_file(tmp_path: Path) -> None:
    first, second = trained(tmp_path / "a"), trained(tmp_path / "b")
    for number, one in enumerate((first, second)):
        one.model.save(tmp_path / str(number))
    assert (tmp_path / "0/model.json").read_bytes() == (tmp_path / "1/model.json").read_bytes()
    assert first.data_hash == second.data_hash
    assert (RecommenderModel.load(tmp_path / "0").blend.weights == first.model.blend.weights).all()


def test_a_champion_is_judged_beside_and_one_of_other_generators_cannot_defend_its_place(tmp_path: Path) -> None:
    champion = RecommenderModel.untrained().save(tmp_path / "champion")
    assert "champion" in trained(tmp_path / "a", champion_folder=champion).backtest.hits
    file = champion / "model.json"
    file.write_text(file.read_text().replace("due_again", "horoscope"))
    found = trained(tmp_path / "b", champion_folder=champion)
    assert "champion" not in found.backtest.hits
    assert "horoscope" in str(found.champion_unfit)
    with pytest.raises(ModelFileError, match="horoscope"):
        RecommenderModel.load(champion)


@pytest.mark.parametrize("lost", ["all", "the end of it", "its ranker"])
def test_half_a_champion_is_refused_as_one_of_another_release_is(tmp_path: Path, lost: str) -> None:
    champion = RecommenderModel.untrained().save(tmp_path / "champion")
    file = champion / "model.json"
    whole = file.read_text()
    left = {"the end of it": whole[:-20], "its ranker": whole.replace('"has_ranker": false', '"has_ranker": true')}
    file.write_text(left[lost]) if lost in left else file.unlink()
    with pytest.raises(ModelFileError, match="champion holds no whole recommender"):
        RecommenderModel.load(champion)
    assert "train again" in str(trained(tmp_path / "b", champion_folder=champion).champion_unfit)


def test_with_too_few_buyers_nothing_is_learned_and_the_reason_is_told(tmp_path: Path) -> None:
    for day in (plan().taught_at[0], plan().judged_at):
        tiny_world(tmp_path, bought=[("a", "tea", 10)], then=[("a", "tea")], as_of=day)
    found = train(tmp_path, plan(), Engine(threads=1))
    assert isinstance(found, TooLittleData)
    assert "1 known customers" in found.reason


GOOD = RNG.random(800)


@pytest.mark.parametrize(
    ("others", "promoted", "words"),
    [
        ({}, True, "against popularity"),
        ({"champion": GOOD}, True, "against champion"),
        ({"champion": GOOD + 0.1}, False, "worse than the champion beyond noise"),
        ({"champion": GOOD + 0.002}, False, "worse than the champion beyond noise"),
        ({"champion": GOOD + 1e-9}, True, "against champion"),
        ({"popularity": GOOD + 0.01}, False, "against popularity"),
        ({"personal_popularity": GOOD + 0.01}, False, "against personal popularity"),
    ],
)
def test_the_gate_lets_no_model_pass_that_is_worse_than_the_simple_or_the_champion(
    others: dict[str, np.ndarray], promoted: bool, words: str
) -> None:
    recalls = {"model": GOOD, "popularity": GOOD / 2, "personal_popularity": GOOD / 2, **others}
    decision = decide(recalls, floors=("popularity", "personal_popularity"), seed=1)
    assert decision.is_promoted is promoted
    assert words in decision.words


def test_the_gate_lets_no_model_pass_that_fails_a_segment_or_narrows_the_lists() -> None:
    """As good in the mean as the champion, but a segment loses, or the lists hold far fewer items."""
    there = np.arange(800) < 200
    champion = GOOD - np.where(there, 0, 0.05)
    model = GOOD - np.where(there, 0.1, 0)
    recalls = {"model": model, "champion": champion, "popularity": GOOD / 2, "personal_popularity": GOOD / 2}
    floors = ("popularity", "personal_popularity")
    assert decide(recalls, floors=floors, seed=1).is_promoted
    refused = decide(recalls, floors=floors, seed=1, groups={"AT/one order": there})
    assert not refused.is_promoted
    assert "recall of AT/one order is certainly worse than that of champion" in refused.words
    narrow = {"model": {"coverage": 0.2}, "champion": {"coverage": 0.4}}
    refused = decide(recalls, floors=floors, seed=1, shapes=narrow)
    assert "coverage 0.2000 is less than 80% of 0.4000 of champion" in refused.words


def test_one_thread_and_two_make_the_same_model_and_the_same_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    monkeypatch.setattr(ranker, "LEAST_LISTS_OF_TREES", ranker.LEAST_LISTS)
    for threads in (1, 2):
        monkeypatch.setattr(model, "SIDE_BY_SIDE", threads)
        monkeypatch.setattr(recommend, "SIDE_BY_SIDE", threads)
        folder = tmp_path / str(threads)
        for day, seed in ((plan().taught_at[0], 1), (plan().judged_at, 2), (AS_OF, 3)):
            random_shop(folder, day, seed, customers=500)
        result = train(folder, plan(), Engine(threads=threads))
        assert isinstance(result, TrainingResult)
        assert result.model.ranker is not None
        assert result.model.ranker.trees is not None
        assert result.model.new_items is not None
        world = World(folder, AS_OF, Engine(threads=threads), block_customers=64)
        lists = ListPlan(AS_OF, "demo", Shape(10, 2, 0.1, as_of=str(AS_OF)))
        recommend.recommend(world, result.model, "v", lists, folder / "lists.parquet")
        saved = result.model.save(folder / "model")
        parts = "model.json", "ranker.json", "ranker.txt", "new_items/ranker.json", "new_items/ranker.txt"
        found.append([(saved / name).read_bytes() for name in parts])
        found[-1].append((folder / "lists.parquet").read_bytes())
    assert found[0] == found[1]


def test_a_weight_for_each_generator_and_group_is_needed_to_score() -> None:
    blend = Blend(np.array([[1.0, 0.0]] * (len(HISTORY_STEPS) + 1)))
    assert blend.group_weights(np.array([0, 3])).shape == (2, 2)
