"""The search of settings in a world where their worth is known."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from tuning_world import CUSTOMERS, DATES, SECONDS, World

from ml.booster import Recipe
from ml.tuning.space import recipe_of, settings_of, space
from ml.tuning.study import BEFORE_PRUNING, DATES_BEFORE_PRUNING, Attempt, best_of, search
from ml.tuning.timebox import CONFIRMING, TimeBox
from ml.tuning.verdict import judge

CHILD = Path(__file__).parents[2] / "tuning_world.py"
SEARCHED = len(DATES) - 1
LONG = 15 * SEARCHED * SECONDS


def run(world: World, file: Path, seconds: float, *, seed: int = 3, **how: object) -> tuple[Attempt, ...]:
    box = TimeBox(seconds, world.clock)
    return search(world.task(), file, "study", seed=seed, box=box, **how)  # type: ignore[arg-type]


def told(attempts: tuple[Attempt, ...]) -> list[object]:
    return [(one.number, one.is_complete, one.settings, one.losses, one.difference) for one in attempts]


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """A search of as much time as fifteen whole trials take."""
    world = World()
    return world, run(world, tmp_path_factory.mktemp("long") / "studies.db", LONG)


@pytest.mark.parametrize("rows", [2_000, 60_000, 500_000])
def test_the_defaults_are_in_the_space_and_grow_the_same_trees(rows):
    settings = settings_of(Recipe(), rows)
    assert all(own.low <= settings[name] <= own.high for name, own in space(rows).items())
    found = recipe_of(settings)
    assert found.rounds == Recipe().rounds
    assert found.parameters({}, rows, 1, 1) == Recipe().parameters({}, rows, 1, 1)


def test_every_setting_of_the_space_changes_the_trees():
    rows = 20_000
    usual = settings_of(Recipe(), rows)
    for name, own in space(rows).items():
        changed = recipe_of(usual | {name: own.low})
        differs = changed.parameters({}, rows, 1, 1) != Recipe().parameters({}, rows, 1, 1)
        assert differs or changed.rounds != Recipe().rounds, name


def test_the_defaults_come_first_and_the_search_finds_what_is_better(long):
    world, attempts = long
    assert recipe_of(settings_of(Recipe(), CUSTOMERS)) == attempts[0].recipe == world.trained[0][0]
    best = best_of(attempts)
    assert best.loss < attempts[0].loss
    assert abs(np.log(best.recipe.leaf_scale / 3)) < abs(np.log(1 / 3))
    assert best.difference.high < 0
    assert len({one.recipe for one in attempts}) == len(attempts), "nothing is tried twice"


def test_poor_trials_are_stopped_early_and_not_before_there_is_something_to_compare_with(long):
    _, attempts = long
    stopped = [one for one in attempts if not one.is_complete]
    assert stopped
    for one in stopped:
        assert DATES_BEFORE_PRUNING <= len(one.losses) < SEARCHED
        assert sum(other.is_complete for other in attempts[: one.number]) >= BEFORE_PRUNING
    assert all(len(one.losses) == SEARCHED for one in attempts if one.is_complete)


def test_the_same_seed_gives_the_same_trials_and_another_one_others(long, tmp_path):
    assert told(run(World(), tmp_path / "same.db", LONG)) == told(long[1])
    other = run(World(), tmp_path / "other.db", 5 * SEARCHED * SECONDS, seed=4)
    assert [one.settings for one in other][1:] != [one.settings for one in long[1][1 : len(other)]]


@pytest.mark.parametrize("trainings", [3.5, 13, 27])
def test_the_time_is_kept_to_the_training_with_room_for_the_confirmation(tmp_path, trainings):
    world = World()
    attempts = run(world, tmp_path / "studies.db", trainings * SECONDS)
    assert trainings * SECONDS - SECONDS <= world.now + CONFIRMING * SECONDS <= trainings * SECONDS
    judge(world.task(), attempts)
    assert world.now <= trainings * SECONDS


def test_a_search_that_ran_out_of_time_goes_on_where_it_was(long, tmp_path):
    first, second = World(), World()
    begun = run(first, tmp_path / "studies.db", 15 * SECONDS)
    again = run(second, tmp_path / "studies.db", 30 * SECONDS)
    assert 1 < len(begun) < len(again)
    assert told(again[: len(begun)]) == told(begun)
    assert told(again) == told(long[1][: len(again)]), "as if it had never stopped"
    finished = {one.recipe for one in begun[1:]}
    assert not finished & {recipe for recipe, _ in second.trained}, "what has finished is not judged again"


def test_a_killed_search_goes_on_with_the_trial_that_it_was_in(long, tmp_path):
    calls = 2 * SEARCHED + 2
    killed = subprocess.run(
        [sys.executable, str(CHILD), str(tmp_path / "studies.db"), str(calls)],
        env={"PYTHONPATH": str(CHILD.parents[1])}, check=False,
    )  # fmt: skip
    assert killed.returncode == -9
    world = World()
    again = run(world, tmp_path / "studies.db", 24 * SECONDS)
    assert told(again) == told(long[1][: len(again)])
    assert len(again) > 3
    assert world.trained[SEARCHED][0] == long[1][2].recipe, "after the defaults, whose words were not kept"


def test_another_study_in_the_same_file_begins_anew(tmp_path):
    run(World(), tmp_path / "studies.db", 15 * SECONDS)
    world = World()
    search(world.task(), tmp_path / "studies.db", "other data", seed=3, box=TimeBox(8 * SECONDS, world.clock))
    assert world.trained[0][0] == recipe_of(settings_of(Recipe(), CUSTOMERS))
    assert len(world.trained) > SEARCHED


def test_settings_that_are_in_force_are_tried_after_the_defaults(tmp_path):
    standing = Recipe(leaves=6, rounds=80, learning_rate=0.05, leaf_scale=2.0)
    attempts = run(World(), tmp_path / "studies.db", 12 * SECONDS, also=[standing])
    assert attempts[1].recipe == standing


def test_a_real_gain_is_confirmed_on_the_date_kept_from_the_search(long):
    world, attempts = long
    verdict = judge(world.task(), attempts)
    assert verdict.recipe == best_of(attempts).recipe
    assert verdict.confirmed.value < 0
    assert "beats the defaults" in verdict.words
    assert {day for _, day in world.trained[-2:]} == {DATES[-1]}
    assert DATES[-1] not in {day for _, day in world.trained[:-2]}


def only_on_searched_dates(recipe: Recipe, day: date) -> float:
    usual = float(np.log(1 / 3) ** 2)
    return float(np.log(recipe.leaf_scale / 3) ** 2) if day != DATES[-1] else usual + (recipe.leaf_scale != 1.0)


@pytest.mark.parametrize(
    ("worth", "words"),
    [
        (lambda *_: 0.0, "none of"),
        (lambda recipe, _: -0.02 * (recipe.leaf_scale < 1.5), "no more than noise"),
        (lambda recipe, _: float(recipe.leaf_scale != 1.0), "none of"),
        (only_on_searched_dates, "on the dates of the search only"),
    ],
)
def test_without_a_real_gain_nothing_beats_the_defaults_and_the_words_say_why(tmp_path, worth, words):
    world = World(worth)
    verdict = judge(world.task(), run(world, tmp_path / "studies.db", 40 * SECONDS))
    assert verdict.recipe is None
    assert words in verdict.words


def test_too_little_time_even_for_the_defaults_is_said(tmp_path):
    world = World()
    verdict = judge(world.task(), run(world, tmp_path / "studies.db", 5 * SECONDS))
    assert (verdict.best, verdict.recipe) == (None, None)
    assert "more minutes" in verdict.words
