"""Risk is not unlearned by what we do about it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import treatment_world as worlds
from treatment_world import NAMES, NUDGE, OUTCOME, PLAYS, SAVE, World

from ml.churn.recipe import Trainer
from ml.churn.record import metrics, record
from ml.churn.training import Sources, TrainingPlan, TrainingResult, train
from ml.engine import Engine
from ml.evaluation import expit, level_gap
from ml.segments import HOLDOUT
from ml.snapshots import Snapshots, read_snapshots
from ml.treatments.effects import Effects, fit_effects
from ml.treatments.labels import untreated
from ml.treatments.record import NONE, Treatments

ROUNDS = 6


def blind(data: Snapshots) -> worlds.Scores:
    """The same recipe that does not know what was done."""
    return worlds.ours(replace(data, treatments=None))


def lived(world: World, count: int = ROUNDS) -> Snapshots:
    """Rounds in which plays go by the true risk."""
    return worlds.together([world.lived(number, world.risk) for number in range(count)])


def effects_of(data: Snapshots) -> Effects:
    found = fit_effects(data)
    assert isinstance(found, Effects), found
    return found


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def data(world: World) -> Snapshots:
    return lived(world)


def test_rounds_of_training_on_what_plays_brought_about_unlearn_no_risk(world: World) -> None:
    def last_round(learner: worlds.Learner) -> dict[str, float]:
        return worlds.missed(world, *worlds.rounds(world, learner, ROUNDS)[-1])

    blinded, ours = last_round(blind), last_round(worlds.ours)
    assert blinded["bias among those at risk"] < -0.1, "the world is one in which risk can be unlearned"
    assert ours["bias among those at risk"] > -0.05
    assert ours["error"] < 0.5 * blinded["error"]
    assert ours["rank correlation"] > 0.98
    assert ours["treated"] > 1.7 * blinded["treated"], "who is at risk is still treated"


def test_labels_without_plays_have_the_risk_without_plays(world: World, data: Snapshots) -> None:
    told, _ = untreated(data)
    risk = world.risk(data.X)
    assert data.treatments is not None
    treated = data.treatments.treated == SAVE
    assert data.y[treated].mean() < risk[treated].mean() - 0.3
    assert told.y[treated].mean() == pytest.approx(risk[treated].mean(), abs=0.04)
    assert np.array_equal(told.y[data.treatments.treated == NONE], data.y[data.treatments.treated == NONE])
    assert ((told.y >= 0) & (told.y <= 1)).all()


def test_a_play_for_whom_has_not_come_back_is_not_taken_for_the_cause() -> None:
    """Who is nudged has been silent for half of the window. The nudge does nothing; those nudged leave more often."""
    world = World(nudge=1.0, save=1.0, customers=4000, control=0.3)
    data = lived(world)
    assert data.treatments is not None
    nudged = data.treatments.treated == NUDGE
    assert data.y[nudged].mean() > world.risk(data.X)[nudged].mean() + 0.1
    found = effects_of(data)
    assert abs(found.effects[NUDGE]) < 2.5 * found.errors[NUDGE]
    assert abs(found.effects[SAVE]) < 2.5 * found.errors[SAVE]


def decided_twice() -> Snapshots:
    """Two plays of no effect. The second is decided only for those left alone by the first one who are frail."""
    rng = np.random.default_rng(5)
    n = 6000
    frail, control = rng.random(n) < 0.5, rng.random((n, 2)) < 0.5
    second = frail & control[:, 0]
    treated = np.where(~control[:, 0], 0, np.where(second & ~control[:, 1], 1, NONE)).astype(np.int16)
    Y = (rng.random(n) < np.where(frail, 0.8, 0.2)).astype(float)[:, None]
    done = Treatments(
        ("first", "second"), np.zeros(n, np.int16), treated, np.where(second, 0.25, 0.5), np.zeros(n, bool), Y
    )
    X = rng.normal(size=(n, 1)).astype(np.float32)
    return Snapshots(("noise",), ("y",), X, Y, np.zeros(n, np.int32), np.arange(n, dtype=np.int64), done)


def test_those_left_alone_stand_for_the_frail_whom_a_later_play_took_from_among_them() -> None:
    found = effects_of(decided_twice())
    assert abs(found.effects[0]) < 2.5 * found.errors[0]
    assert found.errors[0] < 0.1


def test_a_customer_on_many_dates_is_one_witness(data: Snapshots) -> None:
    """The same rows again as of other dates tell nothing new."""
    some = data.rows(data.hashed % 2 == 0)
    twice = effects_of(worlds.together([some, replace(some, day=some.day + 1000)]))
    assert twice.errors == pytest.approx(effects_of(some).errors, rel=0.02)


def test_few_left_alone_change_little_and_too_few_change_nothing() -> None:
    data = lived(World(holdout=0.0, control=0.005))
    told, word = untreated(data)
    assert isinstance(word, str)
    assert "left alone, 30 of each are needed" in word
    assert np.array_equal(told.Y, data.Y)
    few = effects_of(lived(World(holdout=0.01, control=0.02)))
    assert few.errors[SAVE] > 0.3
    assert effects_of(lived(World())).effects[SAVE] < few.effects[SAVE] < 0


def test_a_play_that_drives_customers_away_lowers_the_labels_of_those_who_left() -> None:
    world = World(save=0.2, control=0.3)
    data = lived(world)
    told, _ = untreated(data)
    assert data.treatments is not None
    treated = data.treatments.treated == SAVE
    risk = world.risk(data.X)[treated].mean()
    assert told.y[treated].mean() == pytest.approx(risk, abs=0.04)
    assert data.y[treated].mean() > risk + 0.08


def test_at_an_earlier_date_only_what_was_known_of_the_effects_then_is_used(data: Snapshots) -> None:
    early = data.dates[:-2]
    later, _ = untreated(data)
    again, _ = untreated(later.at(early))
    alone, _ = untreated(data.at(early))
    assert np.array_equal(again.Y, alone.Y)
    assert not np.array_equal(again.Y, later.at(early).Y)
    few = later.rows(later.hashed < np.sort(np.unique(later.hashed))[100])
    assert few.treatments is not None
    assert not np.array_equal(few.Y, few.treatments.happened)
    assert np.array_equal(untreated(few)[0].Y, few.treatments.happened), "a hundred customers tell of no effect"


def test_a_model_of_an_earlier_date_learns_the_same_whatever_was_known_later(data: Snapshots) -> None:
    early, (later, _) = data.dates[:-2], untreated(data)
    alone, after = (
        Trainer(OUTCOME, replace(worlds.RECIPE, rounds=5), seed=3, threads=1).parts(rows.at(early)).trees.text
        for rows in (data, later)
    )
    assert alone == after


def test_levels_are_those_without_plays(data: Snapshots) -> None:
    model = Trainer(OUTCOME, replace(worlds.RECIPE, rounds=5), seed=3, threads=1).model_at(data, data.dates[-1])
    told, _ = untreated(data)
    for day in data.dates:
        rate = float(told.at([day]).y.mean())
        assert model.level_gaps[day] == pytest.approx(level_gap(model.margin(told.at([day]).X, threads=1), rate))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingResult, Path]:
    world = World(holdout=0.1)
    folder = tmp_path_factory.mktemp("files")
    as_of = worlds.write(folder, [world.lived(number, world.risk) for number in range(ROUNDS)])
    plan = TrainingPlan(as_of, OUTCOME, recipe=worlds.RECIPE, backtest_dates=2)
    found = train(Sources(folder / "features.parquet", folder / "labels.parquet"), plan, Engine(threads=1))
    assert isinstance(found, TrainingResult)
    written = record(found, plan, folder / "model", {})
    assert written.parameters["plays"] == found.plays
    return found, folder


def test_a_training_from_files_is_judged_on_the_holdout_too(trained: tuple[TrainingResult, Path]) -> None:
    result, _ = trained
    assert result.plays is not None
    assert "save -1." in result.plays
    found = metrics(result)
    assert found["holdout/customers"] == 2 * World(holdout=0.1).held_out.sum()
    assert found["holdout/calibration_error"] < found["holdout/calibration_error_noise"] + 0.03
    assert abs(found["auc"] - found["holdout/auc"]) < 0.1
    assert abs(found["mean_probability"] - found["churn_rate"]) < 0.03, "judged by what would have been without plays"
    held_out = result.backtest.segments[HOLDOUT]
    assert np.isin(result.backtest.y[held_out], (0, 1)).all(), "judged on what was seen to happen"


def test_what_was_done_is_read_beside_the_labels_and_is_no_feature(trained: tuple[TrainingResult, Path]) -> None:
    result, folder = trained
    files = folder / "features.parquet", folder / "labels.parquet"
    data = read_snapshots(*files, NAMES, result.snapshots, Engine(threads=1), max_rows=10**6)
    assert data.treatments is not None
    assert data.treatments.plays == PLAYS
    assert (data.treatments.treated == SAVE).sum() > 1000
    assert result.model.names == NAMES
    assert data.content_hash != replace(data, treatments=None).content_hash


def test_one_thread_and_two_unlearn_alike(world: World, tmp_path: Path) -> None:
    as_of = worlds.write(tmp_path, [world.lived(number, world.risk) for number in range(4)])
    plan = TrainingPlan(as_of, OUTCOME, recipe=replace(worlds.RECIPE, rounds=5), backtest_dates=1)
    sources = Sources(tmp_path / "features.parquet", tmp_path / "labels.parquet")
    for threads in (1, 2):
        result = train(sources, plan, Engine(threads=threads))
        assert isinstance(result, TrainingResult)
        result.save(tmp_path / str(threads))
    for file in ("model.json", "trees.txt", "reference.json"):
        assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "2" / file).read_bytes()


def test_shares_and_whole_labels_are_learned_by_the_same_loss(data: Snapshots) -> None:
    """Labels that are all 0 or 1 give trees that say the same by either objective."""
    from ml.booster import BINARY, SHARES, fit_trees

    said = [
        fit_trees(data.X, data.y, NAMES, worlds.RECIPE, seed=1, threads=1, objective=objective).margin(data.X, 1)
        for objective in (BINARY, SHARES)
    ]
    assert np.abs(expit(said[0]) - expit(said[1])).max() < 1e-6
