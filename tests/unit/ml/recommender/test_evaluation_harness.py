"""The comparison on logs with a known answer: order of items and rows decides nothing, nor does what comes later."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from log_world import CHAINS, chains, log_of

from ml.recommender.evaluation import protocols
from ml.recommender.evaluation.baselines import BASELINES
from ml.recommender.evaluation.compare import MODEL, Comparison, _baseline, compare
from ml.recommender.evaluation.errors import LogError
from ml.recommender.evaluation.files import Rows
from ml.recommender.evaluation.log import Log, make_log
from ml.recommender.evaluation.measures import shown
from ml.recommender.evaluation.report import figures, lines
from ml.recommender.exposure import breadth
from orchestration.recommender_evaluation import Report, Request, evaluate_log


def compared(rows: list[tuple[str, str, float]], seed: int = 7) -> Comparison:
    return compare(protocols.leave_last_out(log_of(rows, seed)), seed=1)


@pytest.fixture(scope="module")
def once() -> Comparison:
    return compared(chains())


def recall(comparison: Comparison, name: str) -> float:
    return float(next(one for one in comparison.judgements if one.name == name).hits.recall(1).mean())


def test_where_the_next_item_is_certain_the_model_knows_it_and_popularity_does_not(once: Comparison) -> None:
    assert recall(once, MODEL) > 0.9
    assert recall(once, "popularity") < 0.3


def test_every_baseline_is_there_with_the_settings_that_were_chosen(once: Comparison) -> None:
    assert [one.name for one in once.judgements] == [MODEL, *BASELINES]
    for one in once.judgements[1:]:
        assert one.settings in BASELINES[one.name][1]


def test_names_of_items_and_the_order_of_rows_decide_nothing(once: Comparison) -> None:
    """The same log with rows backwards and items renamed so that they sort the other way."""
    renamed = {name: f"{99 - int(name[:2]):02}-{name[3:]}" for _, name, _ in chains()}
    other = compared([(user, renamed[item], when) for user, item, when in reversed(chains())])
    assert recall(other, MODEL) == pytest.approx(recall(once, MODEL), abs=0.03)
    assert recall(other, "popularity") == pytest.approx(recall(once, "popularity"), abs=0.03)


def test_a_planted_future_interaction_changes_nothing() -> None:
    """What happens at or after the cut moves neither what is learned nor any rank of what was wanted before."""
    rows = chains()
    cut = 75.0
    later = [(f"u{user:03}", "00-0", 200.0) for user in range(240)]
    first, second = (compare(protocols.time_split(log_of(own), cut, 30.0), seed=1) for own in (rows, [*rows, *later]))
    for one, other in zip(first.judgements, second.judgements, strict=True):
        assert (one.hits.ranks == other.hits.ranks).all(), one.name
        assert (one.shown == other.shown).all(), one.name
    assert (first.learned.model.blend.weights == second.learned.model.blend.weights).all()


def test_a_future_interaction_that_is_known_would_be_seen() -> None:
    """Red without the cut: the same rows before it do change ranks."""
    rows = chains()
    earlier = [(f"u{user:03}", "00-0", 50.0) for user in range(240)]
    first, second = (
        compare(protocols.time_split(log_of(own), 75.0, 30.0), seed=1) for own in (rows, [*rows, *earlier])
    )
    pairs = zip(first.judgements, second.judgements, strict=True)
    assert any((one.hits.ranks != other.hits.ranks).any() for one, other in pairs)


def test_history_is_hidden_from_leave_last_out_and_shown_to_next_basket(once: Comparison) -> None:
    repeated = [(f"u{user}", f"i{user % 5}", float(step)) for user in range(60) for step in range(4)]
    hidden = compare(protocols.leave_last_out(log_of([*repeated, ("u0", "new", 9.0)])))
    for one in hidden.judgements:
        assert (one.hits.ranks == np.inf).sum() == 59
        assert (one.shown >= 0).sum() == 60 * 5, "six items, one of which each user has had"
    with pytest.raises(LogError, match="every last row is of an item that its user had before"):
        protocols.leave_last_out(log_of(repeated))
    open_ = compare(protocols.next_basket(log_of(repeated)))
    assert next(one for one in open_.judgements if one.name == "personal popularity").hits.recall(1).mean() == 1
    assert open_.mode == "mixed"
    assert once.mode == "discovery"


def test_of_what_is_new_alone_nothing_had_before_is_wanted_or_shown_and_who_buys_nothing_new_is_not_judged() -> None:
    """In each basket the old item again, and for every other user one more of the chain."""
    walked = [(user, item, when) for user, item, when in chains() if int(user[1:]) % 2]
    again = [(f"u{user:03}", f"{user % CHAINS:02}-0", float(day)) for user in range(240) for day in (0, 30, 60, 90)]
    split = protocols.next_basket(log_of([*walked, *again]))
    new = protocols.of_new(split)
    for lesson, whole in zip((*new.lessons, new.test), (*split.lessons, split.test), strict=True):
        wanted = list(lesson.happened)
        assert not any(judged.is_repeat.any() for judged in wanted)
        assert all(len(np.unique(judged.rows)) == len(judged.block) for judged in wanted), "all are judged by something"
        kept = sum(int((~judged.is_repeat).sum()) for judged in whole.happened)
        assert sum(len(judged.rows) for judged in wanted) == kept > 0
    found = compare(new, seed=1)
    assert found.mode == "discovery"
    bought = np.concatenate([judged.block.bought_matrix.toarray() for judged in new.test.happened]) > 0
    for one in found.judgements:
        assert not np.take_along_axis(bought, one.shown, axis=1).any(), one.name
    with pytest.raises(LogError, match="leaves nobody to be judged"):
        protocols.of_new(protocols.next_basket(log_of(again)))


def test_who_had_done_nothing_before_the_cut_is_judged_apart_and_moves_no_other_figure() -> None:
    rows = chains()
    new = [(f"new{n}", name, 80.0) for n, (_, name, _) in enumerate(rows[:40])]
    first, second = (compare(protocols.time_split(log_of(own), 75.0, 30.0), seed=1) for own in (rows, [*rows, *new]))
    for one, other in zip(first.judgements, second.judgements, strict=True):
        assert (one.hits.ranks == other.hits.ranks).all(), one.name
        assert one.newcomers.customers == 0
        assert other.newcomers.customers == 40
    found = figures(second, [10], seed=1)["methods"]
    for own in found.values():
        group = own["customers by what was known of them"]["0"]
        assert group["customers"] == 40
        assert group["recall@10"]["low"] <= group["recall@10"]["value"] <= group["recall@10"]["high"]


def test_our_lists_are_told_with_discovery_and_without(once: Comparison) -> None:
    found = figures(once, [10], seed=1)
    own = found["lists"]
    assert own["discovery off"]["recall@10"] == pytest.approx(found["methods"][MODEL]["recall@10"]["value"], abs=0.02)
    assert set(own["discovery on"]) >= {"coverage", "novelty", "popularity_bias", "ndcg@10"}
    assert own["slots"]["slots"] == 2 * found["customers"]
    table = "\n".join(lines(found, [10]))
    assert "480 discovery slots" in table
    assert "loss of NDCG@10" in table


def test_lists_of_the_same_few_items_cover_little_and_lean_to_the_popular(once: Comparison) -> None:
    own = {one.name: shown(one, once) for one in once.judgements}
    assert own[MODEL]["coverage@10"] > own["popularity"]["coverage@10"]
    assert own[MODEL]["gini@10"] < own["popularity"]["gini@10"]
    assert own[MODEL]["novelty@10"] > own["popularity"]["novelty@10"]


def test_the_table_and_the_json_say_the_same(once: Comparison) -> None:
    found = figures(once, [5, 10], seed=1)
    table = "\n".join(lines(found, [5, 10]))
    for name, own in found["methods"].items():
        assert f"{own['recall@10']['value']:.4f}" in next(line for line in table.splitlines() if line.startswith(name))
    assert found["methods"]["popularity"][f"gain of {MODEL} in recall@10"]["low"] > 0


@pytest.mark.parametrize(
    "rows",
    [
        [(f"u{user}", f"i{(user + step) % 3}", float(step)) for user in range(30) for step in range(3)],
        [("heavy", f"i{n % 40}", float(n)) for n in range(50_000)]
        + [(f"u{n}", f"i{(n + k) % 40}", 5.0 * k + n % 3) for n in range(200) for k in range(3)],
    ],
    ids=["a catalogue of three items", "a user with 50,000 interactions"],
)  # fmt: skip
def test_unusual_logs_are_judged_all_the_same(rows: list[tuple[str, str, float]]) -> None:
    found = compare(protocols.next_basket(log_of(rows)))
    for one in found.judgements:
        assert np.isfinite(one.hits.ranks).all()
        assert one.hits.ranks.min() >= 1


@pytest.mark.filterwarnings("error:Mean of empty slice")
def test_users_whom_nobody_knows_get_what_is_popular(tmp_path: Path) -> None:
    """All customers of the test file are new: a full list for each, that of popularity."""
    known, test = tmp_path / "known.csv", tmp_path / "test.csv"
    rows = [f"{user},{item},{when}" for user, item, when in chains()]
    known.write_text("user,item,order\n" + "\n".join(rows))
    test.write_text("user,item,order\n" + "\n".join(f"new{n},{rows[n].split(',')[1]},9" for n in range(40)))
    asked = Request(known, "given-split", {}, test=test, lengths="10")
    found = evaluate_log(asked).figures
    ours = found["methods"][MODEL]
    assert found["methods"][MODEL]["customers by what was known of them"]["0"]["customers"] == 40
    assert ours["recall@10"]["value"] == pytest.approx(found["methods"]["popularity"]["recall@10"]["value"], abs=0.1)


def test_a_time_budget_drops_generators_and_says_so() -> None:
    found = compare(protocols.leave_last_out(log_of(chains())), time_budget=1e-9)
    assert len(found.learned.model.generators) == 1
    assert any("time budget" in left.reason for left in found.learned.left)


def test_novelty_counts_all_of_whom_something_was_known_not_only_those_who_are_judged() -> None:
    before = [(f"u{user:02}", f"i{user % 4}", float(day)) for user in range(40) for day in (0, 20, 50)]
    after = [(f"u{user:02}", f"i{(user + 1) % 4}", 80.0) for user in range(10)]
    comparison = compare(protocols.time_split(log_of([*before, *after]), 75.0, 30.0), seed=1)
    assert (comparison.people, len(comparison.history)) == (40, 10)
    popular = next(one for one in comparison.judgements if one.name == "popularity")
    assert shown(popular, comparison)["novelty@10"] == pytest.approx(2), "a quarter of all had each of the four items"


def test_where_nobody_had_what_was_chosen_no_bias_is_told() -> None:
    found = breadth(np.array([0, 1]), np.array([3, 4, 0]), 5, np.array([2]))
    assert np.isnan(found["popularity_bias"])
    nothing = breadth(np.empty(0, np.int64), np.array([3, 4, 0]), 5, np.array([0]))
    assert np.isnan([nothing["novelty"], nothing["gini"]]).all()
    assert nothing["coverage"] == 0


@pytest.mark.parametrize(
    ("split", "late_into"),
    [(partial(protocols.time_split, cut=45.0, horizon_days=30.0), 20), (protocols.next_basket, 20),
     (protocols.next_basket, 50)],
    ids=["time-split, an old basket", "next-basket, an old basket", "next-basket, the last basket"],
)  # fmt: skip
def test_a_later_row_of_a_basket_moves_nothing_of_what_came_before(
    split: Callable[[Log], protocols.Split], late_into: int
) -> None:
    rows = [
        (f"u{user}", f"i{(user + day) % 6}", float(day), f"{user}-{day}")
        for user in range(9)
        for day in (1, 20, 40, 50)
    ]

    def known(own: list[tuple[str, str, float, str]]) -> list[tuple[int, str, int, int]]:
        users, items, when, baskets = (np.array(column, object) for column in zip(*own, strict=True))
        log = make_log(Rows(users, items, when.astype(float), True, baskets, 0))
        (block,) = split(log).test.source.blocks()
        names = log.catalogue.product_ids[block.items].tolist()
        return sorted(zip(block.rows.tolist(), names, block.ages.tolist(), block.steps.tolist(), strict=True))

    late = [(f"u{user}", f"i{user % 6}", 60.0, f"{user}-{late_into}") for user in range(9)]
    assert known(rows) == known([*rows, *late])


def test_how_much_later_test_rows_happen_changes_nothing_of_what_is_learned_before_them() -> None:
    known = [(f"u{user}", f"i{(user + step) % 7}", float(2 * step)) for user in range(20) for step in range(4)]
    wanted = [(f"u{user}", f"i{(user + 5) % 7}") for user in range(20)]

    def blocks(moment: float) -> list[list[int]]:
        users, items, when = zip(*known, *((*pair, moment) for pair in wanted), strict=True)
        rows = Rows(np.array(users, object), np.array(items, object), np.array(when), False, None, 0)
        log = make_log(rows)
        split = protocols.given_split(log, log.row >= len(known))
        lessons = (*split.lessons, split.test)
        return [part.tolist() for one in lessons for b in one.source.blocks() for part in (b.items, b.ages, b.steps)]

    assert blocks(99.0) == blocks(7.0)


@pytest.mark.parametrize("kind", ["later", "by lot", "without order"])
def test_windows_to_learn_from_are_cut_as_the_test_file_was(kind: str) -> None:
    """Thirty users with twenty items, a fifth of which is the test: the latest four, or any four."""
    rng = np.random.default_rng(5)
    user, when = np.repeat(np.arange(30), 20), np.tile(np.arange(20.0), 30)
    item = np.concatenate([rng.permutation(50)[:20] for _ in range(30)])
    is_test = when >= 16 if kind == "later" else np.concatenate([rng.permutation(20) < 4 for _ in range(30)])
    order = np.argsort(is_test, kind="stable")
    rows = Rows(user[order].astype(str).astype(object), item[order].astype(str).astype(object),
                None if kind == "without order" else when[order], False, None, 0)  # fmt: skip
    log = make_log(rows)
    split = protocols.given_split(log, is_test[order][log.row])
    last, test = split.lessons[-1], split.test
    for lesson, known, wanted in ((last, 13, 3), (test, 16, 4)):
        (block,), (judged,) = lesson.source.blocks(), lesson.happened
        assert set(block.purchases) == {known}
        assert set(np.bincount(judged.rows)) == {wanted}
        assert not judged.is_repeat.any()
    (judged,) = last.happened
    place = {(u, i): w for u, i, w in zip(log.user, log.item, log.when, strict=True)}
    held_out = {place[row, code] for row, code in zip(judged.rows, judged.items, strict=True)}
    if kind == "later":
        assert held_out == {13.0, 14.0, 15.0}
    elif kind == "by lot":
        assert len(held_out) > 10


def test_it_is_said_how_a_log_was_cut() -> None:
    rows = [(f"u{user:02}", f"i{(user + step) % 9}", 30.0 * step) for user in range(12) for step in range(6)]
    again = log_of([*rows, *((f"u{user:02}", f"i{user % 9}", 200.0) for user in range(2))])
    had = protocols.leave_last_out(again).words
    assert had == "the last row of each user, 2 of an item that the user had before, which no list holds"
    assert protocols.time_split(log_of(rows)).words == "the 30 days from 1970-05-02T00:00:00 on"
    assert protocols.of_new(protocols.next_basket(again)).words == "the last basket of each user, new items only"


def test_windows_hold_out_whole_baskets_where_the_test_is_of_later_ones() -> None:
    rows = [(f"u{user:02}", f"i{(5 * user + 3 * basket + place) % 40}", float(basket)) for user in range(20)
            for basket in range(5) for place in range(3)]  # fmt: skip
    log = log_of(rows)
    split = protocols.given_split(log, log.basket == 4)
    assert [int(lesson.happened[0].block.steps.max()) + 1 for lesson in split.lessons] == [2, 3]


def test_without_a_cut_the_last_day_is_foretold_as_well() -> None:
    rows = [(f"u{user}", f"i{(user + month) % 5}", month * 30.0) for user in range(30) for month in range(6)]
    split = protocols.time_split(log_of([*rows, *((f"u{user}", "last", 150.0) for user in range(30))]))
    assert sum(len(judged.rows) for judged in split.test.happened) == 60


def test_baselines_know_whole_histories_however_long() -> None:
    """As the closed form has it, of customers with more items than our own counts take of one."""
    rng = np.random.default_rng(3)
    rows = [(f"u{user:02}", f"i{item:03}", float(day)) for user in range(40) for day, item in
            enumerate(rng.permutation(120)[:90])]  # fmt: skip
    source = protocols.next_basket(log_of(rows)).test.source
    had = sum((block.bought_matrix.toarray().T @ block.bought_matrix.toarray() for block in source.blocks()), 0.0)
    inverse = np.linalg.inv(had + 100.0 * np.eye(len(had)))
    expected = -inverse / np.diag(inverse)[None, :]
    np.fill_diagonal(expected, 0)
    ease = BASELINES["EASE"][0](regularisation=100.0)
    ease.fit(ease.count(source))
    assert np.allclose(ease.weights, expected, atol=1e-4)


def test_what_all_settings_of_a_baseline_share_is_counted_once_for_each_window(monkeypatch: pytest.MonkeyPatch) -> None:
    split, counted = protocols.next_basket(log_of(chains())), []
    count = BASELINES["item-item"][0].count
    monkeypatch.setattr(BASELINES["item-item"][0], "count", staticmethod(lambda one: counted.append(one) or count(one)))
    _baseline("item-item", split, "mixed", lambda _: None)
    assert counted == [split.lessons[-1].source, split.test.source]


def test_what_cannot_be_written_is_said_before_the_work(tmp_path: Path) -> None:
    from orchestration.cli.evaluation import _can_hold

    (file := tmp_path / "log.csv").write_text("user,item\n")
    assert _can_hold(tmp_path / "new" / "figures.json")
    assert not _can_hold(file / "figures.json")
    assert not _can_hold(tmp_path)


def test_the_json_says_what_was_asked_for(tmp_path: Path) -> None:
    asked = Request(tmp_path / "log.csv", "time-split", {}, cut="2025-01-01", lengths="5,10", seed=3)
    Report(asked, {"rows": 7}, []).write(tmp_path / "figures.json")
    found = json.loads((tmp_path / "figures.json").read_text())
    assert found["rows"] == 7
    told = {name: found["asked"][name] for name in ("interactions", "protocol", "cut", "k", "seed")}
    assert told == {"interactions": "log.csv", "protocol": "time-split", "cut": "2025-01-01", "k": "5,10", "seed": 3}
