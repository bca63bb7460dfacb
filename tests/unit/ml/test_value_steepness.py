"""How far apart customers lie in what they bring, by how busy the shop is."""

from dataclasses import replace

import hindsight_world
import numpy as np
import pytest
from hindsight_world import AS_OF, HORIZON, TARGETS, months

from ml.booster import Recipe
from ml.btyd.hindsight import LEAST, MOST, Pace
from ml.btyd.seasonal import Season
from ml.drift.stability import population_stability, times_the_mean
from ml.rolling import weighing
from ml.splits import Outcome
from ml.value import training
from ml.value.labels import net_spend
from ml.value.model import Shares, ValueModel
from ml.value.recipe import Trainer, too_little
from ml.value.steepness import Seen, Steepness, fit_steepness
from ml.value.training import TrainingPlan, backtested

PACE = Pace(Season((0.5, *[0.0] * 6)), AS_OF, HORIZON)
"""A year whose first half, from the as-of on, is busy."""


def seen(slope, by_pace, *, dates=12, rows=3000):
    """Expectations, and skewed amounts around a power of them that changes so much with the log of the pace."""
    rng, days = np.random.default_rng(1), months(dates)
    usual = float(np.mean([PACE.pace(day) for day in days]))
    found = []
    for day in days:
        expected = rng.lognormal(size=rows)
        mean = expected ** (slope * (1 + by_pace * (PACE.pace(day) - usual)))
        found.append(Seen(day, expected, 100 * mean * rng.gamma(0.5, 2.0, rows)))
    return found


@pytest.mark.parametrize(("slope", "power"), [(0.8, 1.0), (1.6, 1.2)])
def test_what_the_pace_does_is_found_nearly_whole_at_any_slope(slope, power):
    assert -0.45 < fit_steepness(PACE, seen(slope, -0.4), power=power).by_pace < -0.25


def test_a_usual_pace_is_that_of_the_dates_learned_from():
    found = fit_steepness(PACE, seen(1.2, -0.4, dates=5), power=1.2)
    paces = [PACE.pace(day) for day in months(5)]
    assert abs(np.mean(paces)) > 0.1
    assert found.usual == pytest.approx(np.mean(paces))


def test_where_the_pace_does_nothing_next_to_nothing_is_found():
    assert fit_steepness(PACE, seen(1.2, 0.0), power=1.2).by_pace == pytest.approx(0.0, abs=0.1)


def test_dates_of_one_pace_say_nothing():
    flat = replace(PACE, season=Season((0.0,) * 7))
    assert fit_steepness(flat, seen(1.2, -0.4), power=1.2).by_pace == pytest.approx(0, abs=1e-9)


def test_where_nothing_came_nothing_is_learned():
    assert fit_steepness(PACE, [replace(one, came=one.came * 0) for one in seen(1.2, 0.0)], power=1.2) is None


def test_what_nobody_was_expected_to_bring_breaks_nothing():
    dates = seen(1.2, -0.4)
    silent = replace(dates[0], expected=dates[0].expected * 0)
    assert fit_steepness(PACE, [silent, *dates[1:]], power=1.2) == fit_steepness(PACE, dates[1:], power=1.2)
    some = replace(dates[0], expected=np.where(np.arange(3000) < 5, 0.0, dates[0].expected))
    assert -0.45 < fit_steepness(PACE, [some, *dates[1:]], power=1.2).by_pace < -0.25


def test_a_date_is_as_steep_as_it_is_busy_within_reason():
    found = Steepness(PACE.season, AS_OF, HORIZON, 0.1, -0.5)
    assert found.pace(AS_OF) > 0
    assert found.at(AS_OF) == pytest.approx(1 - 0.5 * found.pace(AS_OF))
    assert [replace(found, by_pace=far).at(AS_OF) for far in (-9, 9)] == [LEAST, MOST]
    assert Steepness.from_json(found.to_json()) == found


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return hindsight_world.shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def model(shop):
    files, data = shop
    trainer = Trainer(data, Outcome(HORIZON, 0), Recipe(rounds=20), 3, 2, files)
    return trainer.model_at(data.at(months(14)), AS_OF)


def test_a_busy_season_that_brings_back_who_seldom_buys_is_met(shop, model):
    """Those of whom much is expected bring less of the whole than without what hindsight tells."""
    test = shop[1].at([AS_OF])
    blind = replace(model, spend=replace(model.spend, steepness=None))
    own, without = (one.predict(test.X, test.names, AS_OF).spend for one in (model, blind))
    first = np.argsort(-without)[: len(without) // 3]
    happened, said, blindly = (amounts[first].sum() / amounts.sum() for amounts in (net_spend(test), own, without))
    assert model.spend.steepness.by_pace < -0.2
    assert model.orders.steepness.by_pace < -0.2
    assert blindly > happened + 0.01
    assert abs(said - happened) < 0.7 * (blindly - happened)


def test_steepness_changes_neither_the_sum_nor_who_is_before_whom(shop, model):
    test = shop[1].at([AS_OF])
    blind = replace(model, spend=replace(model.spend, steepness=None))
    own, without = (one.predict(test.X, test.names, AS_OF).spend for one in (model, blind))
    assert own.sum() == pytest.approx(without.sum())
    assert not np.allclose(own, without, rtol=0.02)
    assert (np.diff(own[np.argsort(without, kind="stable")]) >= 0).all()


def test_steepness_and_shares_are_kept_with_the_model(shop, model, tmp_path):
    test = shop[1].at([AS_OF])
    again = ValueModel.load(model.save(tmp_path))
    assert (again.spend.steepness, again.spend.shares) == (model.spend.steepness, model.spend.shares)
    assert (again.orders.steepness, again.orders.shares) == (model.orders.steepness, model.orders.shares)
    assert np.array_equal(*(one.predict(test.X, test.names, AS_OF).spend for one in (again, model)))


def test_shares_average_logarithms():
    margins = tuple(np.array([value]) for value in (1.0, 3.0, 10.0))
    assert Shares().blend(margins) == 1
    assert Shares(linear=0.5).blend(margins) == 2
    assert Shares(linear=0.5, base=0.25).blend(margins) == 4


def test_the_base_counts_as_far_as_it_ranks_the_newest_dates_better(shop):
    files, data = shop
    outcome = Outcome(HORIZON, 0)
    trainer = Trainer(data, outcome, Recipe(rounds=20), 3, 2, files)
    newest = weighing(data.at(months(14)), outcome, too_little)
    newest = [origin for origin in newest if trainer.expectation(origin.known, "spend").base is not None]
    assert newest

    def shares(voice):
        """Where outcomes of the newest dates are what that voice had said."""
        told = []
        for origin in newest:
            said = trainer.expectation(origin.known, "spend").margins(origin.test.X, origin.test.names, 2)[voice]
            Y = origin.test.Y.copy()
            Y[:, TARGETS.index("net_spend_within_horizon")] = np.exp(said)
            told.append(replace(origin, test=replace(origin.test, Y=Y)))
        return trainer._best_shares(told)

    assert [shares(voice) for voice in range(3)] == [Shares(0.0, 0.0), Shares(1.0, 0.0), Shares(shares(2).linear, 0.5)]


def test_drift_is_told_from_amounts_as_they_are_published(shop, model):
    """A busy season that brings customers closer together is none."""
    files, data = shop
    known = data.at(months(14))
    plan = TrainingPlan(AS_OF, Outcome(HORIZON, 0), backtest_dates=1, recipe=Recipe(rounds=20))
    trainer = Trainer(known, plan.outcome, plan.recipe, 3, 2, files)
    _, backtest = backtested(trainer, plan)
    steep = replace(model.spend, steepness=replace(model.spend.steepness, by_pace=3.0))
    steeper = replace(model, spend=steep)
    day = backtest.dates[-1]
    newest = known.at([day])
    reference = training._reference(trainer, steeper, backtest, AS_OF)
    published, own = (
        times_the_mean(amounts)
        for amounts in (
            steeper.predict(newest.X, newest.names, day).spend,
            steeper.spend.own(newest.X, newest.names, 1),
        )
    )
    assert steep.steepness.at(day) != pytest.approx(1, abs=0.2)
    assert population_stability(reference.score, published).psi == pytest.approx(0, abs=1e-6)
    assert population_stability(reference.score, own).psi > 0.05
