"""What the expectation gets wrong by season, in a shop whose season is that of those who seldom buy."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from ml.booster import Recipe
from ml.btyd.expectations import COLUMNS, HISTORY, INACTIVE, OrderFiles, expectations
from ml.btyd.seasonal import Season
from ml.churn.calibration import Held
from ml.churn.hindsight import LEAST, MOST, Hindsight, fit_hindsight
from ml.churn.recipe import Trainer
from ml.churn.training import TrainingPlan, backtested
from ml.evaluation import calibration_line, expit
from ml.snapshots import Snapshots, day_number
from ml.splits import Outcome

AS_OF, HORIZON = date(2025, 10, 1), 60
SWINGS = Season((0.5, *[0.0] * 6))
"""A year whose first half, from the as-of on, is busy."""
CUSTOMERS = 5000
PLAN = TrainingPlan(AS_OF, Outcome(HORIZON, 0), expectation=INACTIVE, recipe=Recipe(rounds=20), backtest_dates=2)


def months(count):
    """Days of snapshots, the newest one horizon before the as-of."""
    return [AS_OF - timedelta(HORIZON + 30 * k) for k in range(count)][::-1]


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
    found = fit_hindsight(SWINGS, AS_OF, HORIZON, seen(-0.8, -0.5))
    assert -0.85 < found.shift_by_pace < -0.55
    assert -0.55 < found.slope_by_pace < -0.35


def test_where_nothing_changes_with_the_pace_next_to_nothing_is_found():
    found = fit_hindsight(SWINGS, AS_OF, HORIZON, seen(0.0, 0.0))
    assert found.shift_by_pace == pytest.approx(0, abs=0.1)
    assert found.slope_by_pace == pytest.approx(0, abs=0.1)


def test_what_changes_as_a_shop_grows_older_is_not_taken_for_its_season():
    found = fit_hindsight(SWINGS, AS_OF, HORIZON, seen(0.0, 0.0, days=9, by_year=0.8))
    assert found.shift_by_pace == pytest.approx(0, abs=0.1)


def test_dates_of_one_pace_say_nothing():
    found = fit_hindsight(Season((0.0,) * 7), AS_OF, HORIZON, seen(-0.8, -0.5))
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


class World:
    """Customers who bought day by day; of those who seldom buy the pace swings far, of the others hardly."""

    def __init__(self, days=850, seed=5):
        rng = np.random.default_rng(seed)
        self.days, rate = days, rng.gamma(1.0, 1 / 60, CUSTOMERS)
        swing = np.where(rate < np.median(rate), 1.2, 0.2)
        day = np.arange(-days, HORIZON)
        pace = np.exp(swing[:, None] * np.sin(2 * np.pi * day / 365.25))
        joined = -rng.integers(480, days, CUSTOMERS)
        self.bought = (day > joined[:, None]) & (rng.random(pace.shape) < 1 - np.exp(-rate[:, None] * pace))
        self.bought[np.arange(CUSTOMERS), joined + days] = True

    def at(self, ago):
        """Of an as-of: days bought on again, days since the first and since the last, and who then did not buy."""
        now = self.days - ago
        past, ahead = self.bought[:, :now], self.bought[:, now : now + HORIZON]
        first, last = past.argmax(axis=1), now - 1 - past[:, ::-1].argmax(axis=1)
        return past.sum(axis=1) - 1, now - first, now - last, ~ahead.any(axis=1)

    def repeats(self, ago):
        """Customers who bought again, by days before an as-of."""
        past = self.bought[:, : self.days - ago].copy()
        past[np.arange(CUSTOMERS), past.argmax(axis=1)] = False
        return past.sum(axis=0)[::-1]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    world, folder, names = World(), tmp_path_factory.mktemp("shop"), (*HISTORY, INACTIVE)
    rows, histories, totals = [], [], []
    for day in [*months(14), AS_OF]:
        ago = (AS_OF - day).days
        *told, has_churned = world.at(ago)
        frame, counts = pd.DataFrame(dict(zip(HISTORY, told, strict=True))), world.repeats(ago)
        own = frame.groupby(list(HISTORY)).size().reset_index(name="customers")
        daily = pd.DataFrame({"age_days": np.arange(1, len(counts) + 1), "customers": counts})
        daily = daily[daily["customers"] > 0]
        expected = expectations(own, daily, HORIZON)[[*HISTORY, *COLUMNS]]
        X = frame.merge(expected, on=list(HISTORY), how="left")[list(names)].to_numpy(np.float32)
        rows.append((day, X, has_churned))
        histories.append(own.assign(as_of_date=day))
        totals.append(daily.assign(as_of_date=day))
    files = OrderFiles(folder / "histories.parquet", folder / "totals.parquet")
    pd.concat(histories).to_parquet(files.histories, index=False)
    pd.concat(totals).to_parquet(files.totals, index=False)
    return files, Snapshots(
        names,
        ("has_churned",),
        np.concatenate([X for _, X, _ in rows]),
        np.concatenate([y for *_, y in rows]).astype(float)[:, None],
        np.repeat([day_number(day) for day, *_ in rows], CUSTOMERS).astype(np.int32),
        np.tile(np.arange(CUSTOMERS), len(rows)),
    )


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
