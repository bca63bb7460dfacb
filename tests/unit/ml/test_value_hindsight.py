"""What the sum of expectations always misses, in a shop whose customers bring more than is expected of them."""

from dataclasses import replace

import hindsight_world
import numpy as np
import pytest
from hindsight_world import A_DAY, AS_OF, HORIZON, MORE, months

from ml.booster import Recipe
from ml.btyd.expectations import HISTORY
from ml.seasons import PRIOR_SNAPSHOTS, usual
from ml.splits import Outcome
from ml.value.base import orders_a_day
from ml.value.labels import net_spend, orders
from ml.value.model import ValueModel
from ml.value.recipe import Trainer

MONTHS = 14
BELIEVED = MONTHS / (MONTHS + PRIOR_SNAPSHOTS)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return hindsight_world.shop(tmp_path_factory.mktemp("shop"))


def model_of(files, data):
    trainer = Trainer(data, Outcome(HORIZON, 0), Recipe(rounds=20), 3, 2, files)
    return trainer.model_at(data.at(months(MONTHS)), AS_OF)


@pytest.fixture(scope="module")
def model(shop):
    return model_of(*shop)


def off(model, data):
    """By how much totals of spend and of orders are too high at the as-of, as logarithms."""
    test = data.at([AS_OF])
    found = model.predict(test.X, test.names, AS_OF)
    return [float(np.log(own.sum() / y(test).sum())) for own, y in ((found.spend, net_spend), (found.orders, orders))]


def test_what_was_missed_at_every_date_is_expected_of_the_next(shop, model):
    data, blind = shop[1], model_of(None, shop[1])
    assert model.spend.hindsight - model.orders.hindsight == pytest.approx(BELIEVED * np.log(MORE), abs=0.02)
    assert abs(off(model, data)[0]) < 0.5 * abs(off(blind, data)[0])
    assert blind.spend.hindsight == 0


def test_the_season_of_values_is_no_part_of_what_is_missed(tmp_path, model):
    """What an order is worth by the time of the year is expected already, in hindsight as of the day itself."""
    swinging = model_of(*hindsight_world.shop(tmp_path, value_swing=0.4))
    missed = [one.spend.hindsight - one.orders.hindsight for one in (model, swinging)]
    assert missed[1] == pytest.approx(missed[0], abs=0.02)


def test_a_date_at_which_nobody_had_ordered_tells_nothing(shop, model):
    files, data = shop
    X, first = data.X.copy(), data.day == data.day.min()
    X[np.ix_(first, [data.names.index(name) for name in HISTORY])] = np.nan
    assert model_of(files, replace(data, X=X)).spend.hindsight == pytest.approx(model.spend.hindsight, abs=0.02)


def test_orders_are_counted_and_not_the_days_that_have_one(shop, model):
    assert orders_a_day(shop[1].X, shop[1].names) == A_DAY
    assert off(model, shop[1])[1] == pytest.approx(0, abs=0.1)


def test_hindsight_is_kept_with_the_model(model, tmp_path):
    again = ValueModel.load(model.save(tmp_path))
    assert (again.spend.hindsight, again.orders.hindsight) == (model.spend.hindsight, model.orders.hindsight)


def test_a_few_dates_unlike_the_others_are_not_believed():
    assert usual([]) == 0
    assert usual([0.1] * 10 + [0.9, 0.8]) == pytest.approx(0.1 * 12 / (12 + PRIOR_SNAPSHOTS))
