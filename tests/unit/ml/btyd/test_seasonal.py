"""Shops with a season that is known because it was planted."""

import numpy as np
import pandas as pd
import pytest

from ml.btyd.clock import Clock
from ml.btyd.expectations import ALIVE, COLUMNS, HISTORY, INACTIVE, ORDERS, expectations
from ml.btyd.mbg_nbd import MbgNbd
from ml.btyd.seasonal import FEWEST_DAYS, fit_seasonal
from ml.btyd.statistics import Statistics

SWING = 0.6
"""Log of how much busier the best day is than the usual one; the as-of stands at the start of the busy half."""


def pace(day):
    """How busy the shop is on a day from the as-of on."""
    return np.exp(SWING * np.sin(2 * np.pi * day / 365.25))


def shop(days, *, seasonal=True, customers=6000, horizon=90, seed=1):
    """Statistics, repeat purchases by days ago, and who bought within the horizon; whoever buys may leave."""
    rng = np.random.default_rng(seed)
    first, rate, leaves = (
        rng.integers(1, days + 1, customers),
        rng.gamma(1.2, 1 / 50, customers),
        rng.beta(1, 6, customers),
    )
    bought = np.zeros((customers, days + horizon), bool)
    alive = rng.random(customers) > leaves
    for column, day in enumerate(range(-days, horizon)):
        chance = 1 - np.exp(-rate * (pace(day + 0.5) if seasonal else 1.0))
        buys = alive & (-first < day) & (rng.random(customers) < chance)
        bought[:, column] = buys
        alive &= ~(buys & (rng.random(customers) < leaves))
    past = bought[:, :days]
    frequency = past.sum(axis=1)
    last = np.where(frequency > 0, days - (days - 1 - past[:, ::-1].argmax(axis=1)), first)
    stats = Statistics(frequency.astype(float), (first - last).astype(float), first.astype(float))
    return stats, past.sum(axis=0)[::-1].astype(float), bought[:, days:].any(axis=1)


def fitted(stats, repeats, horizon=90):
    kinds, group = stats.kinds()
    return fit_seasonal(kinds, repeats, horizon, count=np.bincount(group).astype(float))


@pytest.fixture(scope="module")
def busy():
    return shop(540)


def test_days_in_the_busy_half_of_the_year_count_for_more_ahead_and_behind(busy):
    stats, repeats, _ = busy
    clock = fitted(stats, repeats).clock
    true = Clock.of_speed(pace(-np.arange(540) - 0.5), pace(np.arange(90) + 0.5))
    assert clock.ahead[90] / clock.behind[90] == pytest.approx(true.ahead[90] / true.behind[90], rel=0.1)
    assert clock.ahead[90] / clock.behind[365] == pytest.approx(true.ahead[90] / true.behind[365], rel=0.1)


def test_the_level_of_the_season_to_come_is_met_where_steady_time_misses_it(busy):
    stats, repeats, bought = busy
    seasonal, steady = fitted(stats, repeats).p_active(stats, 90).mean(), MbgNbd.fit(stats).p_active(stats, 90).mean()
    assert seasonal == pytest.approx(bought.mean(), abs=0.02)
    assert steady < bought.mean() - 0.05


def test_a_shop_without_season_is_given_none():
    stats, repeats, bought = shop(540, seasonal=False)
    model = fitted(stats, repeats)
    assert model.clock.ahead[90] == pytest.approx(90, rel=0.12)
    assert model.p_active(stats, 90).mean() == pytest.approx(bought.mean(), abs=0.02)


def test_in_its_first_thirteen_months_a_shop_has_no_season_yet():
    stats, repeats, _ = shop(FEWEST_DAYS - 1, customers=800)
    model = fitted(stats, repeats)
    assert model.clock.ahead.tolist() == list(range(91))
    assert np.array_equal(model.p_alive(stats), model.model.p_alive(stats))


def test_the_likelihood_slopes_as_it_says(busy):
    from ml.btyd.seasonal import _Likelihood, _waves

    stats, repeats, _ = busy
    likelihood = _Likelihood(stats, repeats, _waves(-np.arange(540) - 0.5), np.ones(len(stats)))
    at, step = np.concatenate([np.log([0.7, 60, 0.8, 2]), np.linspace(-0.2, 0.2, 7)]), 1e-5
    numeric = [(likelihood(at + step * e)[0] - likelihood(at - step * e)[0]) / (2 * step) for e in np.eye(11)]
    assert np.allclose(likelihood(at)[1], numeric, rtol=1e-5, atol=1e-2)


def told(stats, repeats):
    """The two tables that the warehouse gives for an as-of."""
    columns = [stats.frequency, stats.age, stats.age - stats.recency]
    histories = pd.DataFrame(dict(zip(HISTORY, columns, strict=True))).groupby(list(HISTORY)).size()
    totals = pd.DataFrame({"age_days": np.arange(1, len(repeats) + 1), "customers": repeats})
    return histories.reset_index(name="customers"), totals[totals["customers"] > 0]


def test_whoever_shares_a_history_shares_an_expectation_and_no_order_of_rows_matters(busy):
    stats, repeats, _ = busy
    histories, totals = told(stats, repeats)
    found = expectations(histories, totals, 90)
    assert len(found) == len(histories)
    assert found[INACTIVE].between(0, 1).all()
    assert found[ALIVE].between(0, 1).all()
    assert (found[ORDERS] >= (1 - found[INACTIVE]) - 1e-6).all(), "who comes at all comes on a day at least"
    shuffled = expectations(histories.sample(frac=1, random_state=1), totals.sample(frac=1, random_state=2), 90)
    pd.testing.assert_frame_equal(found, shuffled)


def test_without_orders_there_is_no_expectation(busy):
    histories, totals = told(*busy[:2])
    nobody = expectations(histories.iloc[:0], totals.iloc[:0], 90)
    assert list(nobody.columns) == [*HISTORY, *COLUMNS]
    assert len(nobody) == 0


def test_above_the_cap_a_sample_of_customers_speaks_for_all(busy, monkeypatch):
    histories, totals = told(*busy[:2])
    whole = expectations(histories, totals, 90)
    monkeypatch.setattr("ml.btyd.expectations.FITTED_CUSTOMERS", 3000)
    sampled = expectations(histories, totals, 90)
    assert not sampled.equals(whole)
    assert np.abs(sampled[INACTIVE] - whole[INACTIVE]).mean() < 0.02
