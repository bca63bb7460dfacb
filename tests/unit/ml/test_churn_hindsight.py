"""What the expectation gets wrong by season, in a shop whose season is that of those who seldom buy."""

from dataclasses import replace

import hindsight_world
import numpy as np
import pytest
from hindsight_world import AS_OF, HORIZON, months

from ml.booster import Recipe
from ml.btyd.expectations import INACTIVE
from ml.btyd.hindsight import LEAST, MOST, Pace
from ml.btyd.seasonal import Season
from ml.churn.calibration import Held
from ml.churn.hindsight import Hindsight, fit_hindsight
from ml.churn.recipe import Trainer
from ml.churn.training import TrainingPlan, backtested
from ml.evaluation import calibration_line, expit
from ml.splits import Outcome

SWINGS = Season((0.5, *[0.0] * 6))
"""A year whose first half, from the as-of on, is busy."""
PACE = Pace(SWINGS, AS_OF, HORIZON)
PLAN = TrainingPlan(AS_OF, Outcome(HORIZON, 0), expectation=INACTIVE, recipe=Recipe(rounds=20), backtest_dates=2)


def seen(shift, slope, *, days=12, by_year=0.0, rows=4000, seed=1):
    """Log-odds at dates, and outcomes at a level and a slope that change so much with the log of the pace, a level that
    changes so much within a year."""
    rng, flat = np.random.default_rng(seed), Hindsight(SWINGS, AS_OF, HORIZON)
    usual = float(np.mean([flat.pace(day) for day in months(days)]))
    found = []
    for day in months(days):
        margin, pace = rng.normal(size=rows), flat.pace(day) - usual
        level = shift * pace + by_year * (AS_OF - day).days / 365
        p = expit(margin * (1 + slope * pace) + level)
        found.append((day, Held(margin[:, None], (rng.random(rows) < p).astype(float))))
    return found


def test_what_changes_with_the_pace_is_found_nearly_whole():
    found = fit_hindsight(PACE, seen(-0.8, -0.5))
    assert -0.85 < found.shift_by_pace < -0.55
    assert -0.55 < found.slope_by_pace < -0.35


def test_where_nothing_changes_with_the_pace_next_to_nothing_is_found():
    found = fit_hindsight(PACE, seen(0.0, 0.0))
    assert found.shift_by_pace == pytest.approx(0, abs=0.1)
    assert found.slope_by_pace == pytest.approx(0, abs=0.1)


def test_what_changes_as_a_shop_grows_older_is_not_taken_for_its_season():
    found = fit_hindsight(PACE, seen(0.0, 0.0, days=9, by_year=0.8))
    assert found.shift_by_pace == pytest.approx(0, abs=0.1)


def test_dates_of_one_pace_say_nothing():
    found = fit_hindsight(Pace(Season((0.0,) * 7), AS_OF, HORIZON), seen(-0.8, -0.5))
    assert (found.shift_by_pace, found.slope_by_pace) == (0, 0)


def test_a_date_at_the_usual_pace_is_left_alone_and_a_busy_one_moved():
    found = Hindsight(SWINGS, AS_OF, HORIZON, usual=0.1, shift_by_pace=-0.8, slope_by_pace=-0.5)
    pace = found.pace(AS_OF)
    assert pace == pytest.approx(np.log(SWINGS.pace(0, HORIZON)) - 0.1)
    assert pace > 0
    assert found.shift(AS_OF) == pytest.approx(-0.8 * pace)
    assert found.steepness(AS_OF) == pytest.approx(1 - 0.5 * pace)
    assert [Hindsight(SWINGS, AS_OF, HORIZON, 0.0, 0.0, far).steepness(AS_OF) for far in (-9, 9)] == [LEAST, MOST]
    assert Hindsight.from_json(found.to_json()) == found


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return hindsight_world.shop(tmp_path_factory.mktemp("shop"))


def judged(files, data):
    """The model of the as-of, how far its level is off there, and the slope there."""
    known, test = data.at(months(14)), data.at([AS_OF])
    model = trainer(files).model_at(known, AS_OF)
    p = model.predict(test.X, test.names, model.level(test.X, AS_OF))
    return model, abs(p.mean() - test.y.mean()), calibration_line(test.y, p)[0]


def trainer(files):
    return Trainer(PLAN.outcome, PLAN.recipe, PLAN.seed, 2, INACTIVE, files)


def test_level_and_slope_of_a_busy_season_are_met_by_what_hindsight_tells(shop):
    model, off, slope = judged(*shop)
    _, blindly_off, blind_slope = judged(None, shop[1])
    assert model.hindsight.shift_by_pace < 0
    assert model.hindsight.slope_by_pace < 0
    assert off < 0.6 * blindly_off
    assert abs(slope - 1) < 0.5 * abs(blind_slope - 1)


def test_every_model_of_a_backtest_looks_back_from_its_own_date(shop):
    files, data = shop
    models, backtest = backtested(trainer(files), data, PLAN)
    assert len(backtest.dates) == 2
    assert {day: model.hindsight.as_of for day, model in models.items()} == {day: day for day in backtest.dates}


def test_without_the_features_that_it_looks_back_by_nothing_is_told(shop):
    files, data = shop
    short = replace(data, names=("visits", *data.names[1:]))
    assert trainer(files).model_at(short.at(months(14)), AS_OF).hindsight is None


def test_what_was_learned_is_written_down_for_whoever_compares_trainings():
    found = Hindsight(SWINGS, AS_OF, HORIZON, 0.1, -0.81234567, -0.5)
    assert found.as_parameters() == {"shift_by_pace": -0.812346, "slope_by_pace": -0.5}
