"""Value is what customers bring without plays, however much plays brought."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import value_treatment_world as worlds
from treatment_world import NUDGE, OUTCOME, SAVE
from value_treatment_world import RECIPE, Shop

from ml.booster import Recipe
from ml.engine import Engine
from ml.snapshots import Snapshots
from ml.treatments.amounts import Told, untreated_amounts
from ml.treatments.record import NONE
from ml.value.labels import AMOUNTS, TARGETS
from ml.value.model import ValueModel
from ml.value.recipe import Trainer
from ml.value.record import metrics, record
from ml.value.training import TrainingPlan, TrainingResult, train
from ml.value.without import REMEMBERED_DAYS, Total, brought_behind, share_of_newest, share_of_pace

QUICK = Recipe(rounds=5)
DAYS = [date(2024, 1, 1) + timedelta(30 * k) for k in range(12)]


def lived(shop: Shop, count: int = 5) -> Snapshots:
    """Rounds in which plays go by the true value."""
    return worlds.together([shop.lived(number, shop.truth) for number in range(count)])


def blind(data: Snapshots) -> worlds.Values:
    """The same recipe that does not know what was done."""
    return worlds.ours(replace(data, treatments=None))


def treated(data: Snapshots, play: int) -> np.ndarray:
    assert data.treatments is not None
    return data.treatments.treated == play


def told_of(data: Snapshots) -> Told:
    return untreated_amounts(data, AMOUNTS)[1]


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop(is_expected=False)


@pytest.fixture(scope="module")
def data(shop: Shop) -> Snapshots:
    return lived(shop)


@pytest.mark.parametrize("is_expected", [False, True])
def test_rounds_of_training_on_what_plays_brought_inflate_no_total(is_expected: bool) -> None:
    def last_total(learner: worlds.Learner, **changes: int) -> float:
        own = Shop(customers=1200, is_expected=is_expected, **changes)
        return worlds.bias(own, worlds.rounds(own, learner, 6)[-1][1])

    floor, ours, blinded = last_total(worlds.ours, plays_from=99), last_total(worlds.ours), last_total(blind)
    assert blinded > floor + 0.15, "the world is one in which plays inflate values"
    assert abs(ours - floor) < 0.08
    assert abs(ours - floor) < 0.4 * (blinded - floor)


def test_amounts_without_plays_sum_up_to_what_is_spent_without(shop: Shop, data: Snapshots) -> None:
    told, _ = untreated_amounts(data, AMOUNTS)
    truth, own = np.tile(shop.truth, 5), treated(data, SAVE)
    assert data.y[own].sum() > 1.6 * truth[own].sum()
    assert told.y[own].sum() == pytest.approx(truth[own].sum(), rel=0.12)
    alone = treated(data, NONE)
    assert np.array_equal(told.Y[alone], data.Y[alone])
    assert (told.Y >= 0).all()
    assert np.array_equal(told.Y == 0, data.Y == 0)
    gross = data.target(TARGETS[2]) > 0
    returned = [1 - rows.y[gross] / rows.target(TARGETS[2])[gross] for rows in (told, data)]
    assert returned[0] == pytest.approx(returned[1]), "what comes back changes with what was bought"


def test_what_was_sent_back_of_earlier_orders_stays_below_nothing(data: Snapshots) -> None:
    assert data.treatments is not None
    Y = data.Y.copy()
    Y[::7, 0] *= -1
    told, _ = untreated_amounts(replace(data, Y=Y, treatments=replace(data.treatments, happened=Y)), AMOUNTS)
    assert np.array_equal(np.sign(told.Y), np.sign(Y))


def test_a_play_for_whom_has_not_bought_is_not_taken_for_the_cause() -> None:
    """Who is nudged has bought nothing for half of the window. Neither play does anything."""
    data = lived(Shop(save=1.0, nudge=1.0, control=0.3, is_expected=False))
    assert data.y[treated(data, NUDGE)].mean() < 0.5 * data.y.mean()
    for own in told_of(data).multiples.values():
        assert (np.abs(own.effects) < 2.5 * own.errors).all()


def test_what_earlier_plays_brought_is_not_held_against_the_newest() -> None:
    """Those treated have bought more of late because they were treated before; of the day they are like better ones."""
    found = [
        told_of(lived(Shop(seed=seed, is_expected=False, control=0.3), 7)).multiples["orders"] for seed in (21, 22)
    ]
    effect = float(np.mean([own.effects[SAVE] for own in found]))
    assert effect == pytest.approx(np.log(Shop.save), abs=0.05)


def test_a_customer_on_many_dates_is_one_witness(data: Snapshots) -> None:
    """The same rows again as of other dates tell nothing new."""
    some = data.rows(data.hashed % 2 == 0)
    twice = worlds.together([some, replace(some, day=some.day + 1000)])
    for name, own in told_of(some).multiples.items():
        assert told_of(twice).multiples[name].errors == pytest.approx(own.errors, rel=0.05)


def test_one_large_order_among_the_few_left_alone_changes_little(data: Snapshots) -> None:
    assert data.treatments is not None
    few = data.rows((treated(data, SAVE) & (data.hashed % 4 == 0)) | (treated(data, NONE) & (data.hashed % 4 == 0)))
    assert few.treatments is not None
    Y = few.Y.copy()
    alone = np.flatnonzero((few.treatments.first == SAVE) & (few.treatments.treated == NONE))
    Y[alone[0], [0, 2]] += 0.5 * Y[treated(few, SAVE), 0].sum()
    large = told_of(replace(few, treatments=replace(few.treatments, happened=Y))).multiples["spend"]
    usual = told_of(few).multiples["spend"]
    assert large.errors[SAVE] > 1.5 * usual.errors[SAVE]
    treated_by, alone_by = (Y[rows, 0].mean() for rows in (treated(few, SAVE), alone))
    assert np.log(treated_by / alone_by) < -1
    assert large.effects[SAVE] > -0.4


def test_few_left_alone_change_little_and_too_few_change_nothing() -> None:
    data = lived(Shop(holdout=0.0, control=0.005, is_expected=False))
    told, word = untreated_amounts(data, AMOUNTS)
    assert "left alone, 30 of each are needed" in word.words
    assert np.array_equal(told.Y, data.Y)
    few = told_of(lived(Shop(holdout=0.02, control=0.03, is_expected=False))).multiples["spend"]
    assert few.errors[SAVE] > 0.1


def test_at_an_earlier_date_only_what_was_known_of_the_effects_then_is_used(data: Snapshots, tmp_path: Path) -> None:
    early = data.dates[:-1]
    later, _ = untreated_amounts(data, AMOUNTS)
    again, alone = (untreated_amounts(rows.at(early), AMOUNTS)[0] for rows in (later, data))
    assert np.array_equal(again.Y, alone.Y)
    assert not np.array_equal(again.Y, later.at(early).Y)
    for name, rows in (("data", data), ("later", later)):
        Trainer(rows, OUTCOME, QUICK, seed=3, threads=1).model_at(rows.at(early), early[-1]).save(tmp_path / name)
    for file in ("model.json", "spend_trees.txt", "orders_trees.txt"):
        assert (tmp_path / "data" / file).read_bytes() == (tmp_path / "later" / file).read_bytes(), file


def test_the_newest_window_tells_what_plays_brought_into_it() -> None:
    found = {DAYS[0]: Total(10, 10), DAYS[1]: Total(15, 12)}
    assert share_of_newest(found) == pytest.approx(0.8)
    assert share_of_newest({DAYS[0]: Total(0, 0)}) == 1.0


def test_what_stands_behind_a_day_is_what_came_before_it_and_days_before_the_first_snapshot_had_no_plays() -> None:
    found = dict.fromkeys(DAYS, Total(125, 100))
    assert brought_behind(found, DAYS[0]) == 0
    assert brought_behind(found, DAYS[3]) == pytest.approx(-np.log(0.8 / 3 + 2 / 3))
    assert brought_behind(found, DAYS[-1]) == pytest.approx(-np.log(0.8))
    forgotten = DAYS[0] + timedelta(REMEMBERED_DAYS + 30)
    assert brought_behind({DAYS[0]: Total(125, 100), DAYS[1]: Total(100, 100)}, forgotten) == 0


@pytest.mark.parametrize(("follows", "share"), [(1.0, 0.8), (0.0, 0.95), (1.5, 0.75)])
def test_how_far_expectations_follow_what_plays_brought_is_learned(follows: float, share: float) -> None:
    plays = {day: Total(125, 100, 1.0) for day in DAYS}
    found = {
        day: replace(own, forecast=float(100 * np.exp(follows * brought_behind(plays, day))))
        for day, own in plays.items()
    }
    assert share_of_pace(found, 30) == pytest.approx(share, abs=0.06)
    few = {day: found[day] for day in DAYS[:2]}
    assert share_of_pace(few, 30) == pytest.approx(np.exp(-brought_behind(few, DAYS[2])), abs=0.01)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingResult, Path]:
    own = Shop(is_expected=False, holdout=0.15)
    folder = tmp_path_factory.mktemp("files")
    as_of = worlds.write(folder, lived(own, 6))
    plan = TrainingPlan(as_of, OUTCOME, recipe=RECIPE, backtest_dates=2)
    found = train(folder / "features.parquet", folder / "labels.parquet", plan, Engine(threads=1))
    assert isinstance(found, TrainingResult)
    written = record(found, plan, folder / "model", {})
    assert written.parameters["plays"] == found.plays
    assert written.parameters["share_without_plays"] == found.model.spend.without_plays < 0.9
    return found, folder


def test_a_training_from_files_is_judged_on_the_holdout_too(trained: tuple[TrainingResult, Path]) -> None:
    result, _ = trained
    assert result.plays is not None
    assert "on spend: nudge +" in result.plays
    found = metrics(result)
    assert found["holdout/customers"] == 2 * Shop(holdout=0.15).held_out.sum()
    assert abs(found["holdout/total_bias"]) < 0.25
    assert {"holdout/mae", "holdout/decile_mape"} <= set(found)


def test_the_share_without_plays_is_kept_with_the_model(trained: tuple[TrainingResult, Path]) -> None:
    result, folder = trained
    again = ValueModel.load(folder / "model")
    assert again.spend.without_plays == result.model.spend.without_plays
    assert again.orders.without_plays == result.model.orders.without_plays < 0.9


def test_one_thread_and_two_unlearn_alike(trained: tuple[TrainingResult, Path], tmp_path: Path) -> None:
    result, folder = trained
    plan = TrainingPlan(result.reference.as_of, OUTCOME, recipe=QUICK, backtest_dates=1)
    for threads in (1, 2):
        found = train(folder / "features.parquet", folder / "labels.parquet", plan, Engine(threads=threads))
        assert isinstance(found, TrainingResult)
        found.save(tmp_path / str(threads))
    for file in ("model.json", "spend_trees.txt", "orders_trees.txt", "reference.json"):
        assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "2" / file).read_bytes()


def test_a_shop_without_plays_gives_the_same_bytes_as_one_that_knows_none(
    trained: tuple[TrainingResult, Path], tmp_path: Path
) -> None:
    """Labels of before plays were recorded, and labels whose record of plays is empty."""
    result, folder = trained
    labels = pd.read_parquet(folder / "labels.parquet")
    plays = ["first_play", "treated_play", "untreated_propensity", "is_held_out"]
    plan = TrainingPlan(result.reference.as_of, OUTCOME, recipe=QUICK, backtest_dates=1)
    labels.drop(columns=plays).to_parquet(tmp_path / "never.parquet", index=False)
    nobody = pd.Series([None] * len(labels), dtype="string")
    empty = labels.assign(first_play=nobody, treated_play=nobody, untreated_propensity=np.nan, is_held_out=False)
    empty.to_parquet(tmp_path / "none.parquet", index=False)
    for name in ("never", "none"):
        found = train(folder / "features.parquet", tmp_path / f"{name}.parquet", plan, Engine(threads=1))
        assert isinstance(found, TrainingResult)
        assert found.plays is None
        assert "plays" not in record(found, plan, tmp_path / name, {}).parameters
    files = [path.relative_to(tmp_path / "never") for path in sorted((tmp_path / "never").rglob("*.*"))]
    assert len(files) > 3
    for file in files:
        assert (tmp_path / "never" / file).read_bytes() == (tmp_path / "none" / file).read_bytes()
    assert "without_plays" not in (tmp_path / "none" / "model.json").read_text()
