"""Shops with a season that is known because it was planted."""

import numpy as np
import pandas as pd
import pytest
from season_world import fitted, lives, pace, shop, told

from ml.btyd.clock import Clock
from ml.btyd.expectations import ALIVE, COLUMNS, HISTORY, INACTIVE, ORDERS, expectations
from ml.btyd.mbg_nbd import MbgNbd
from ml.btyd.seasonal import FEWEST_DAYS


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


def test_lifetimes_are_days_of_the_calendar_whatever_the_season_does_to_the_clock():
    """Read off the clock they would be too long by two fifths: the next ninety days lie in the busy half."""
    stats, repeats, _, left = lives(540, horizon=400, customers=12_000)
    model = fitted(stats, repeats)
    for cap in (90, 400):
        expected, happened = model.expected_lifetime_days(stats, cap), np.minimum(left, cap)
        group = np.argsort(np.argsort(expected, kind="stable")) // 3000
        for number in range(4):
            own = group == number
            assert expected[own].mean() == pytest.approx(happened[own].mean(), abs=0.03 * cap), (cap, number)


def test_in_steady_time_a_lifetime_is_that_of_the_model_however_far_the_cap():
    stats, repeats, _ = shop(FEWEST_DAYS - 1, customers=800)
    model = fitted(stats, repeats)
    for cap in (30, 90, 1825):
        assert model.expected_lifetime_days(stats, cap) == pytest.approx(model.model.expected_lifetime_days(stats, cap))


def test_beyond_the_horizon_time_runs_at_the_mean_pace_of_the_year():
    clock = Clock.of_speed(np.ones(3), np.array([2.0, 2.0]), beyond=0.5)
    assert clock.coming(np.array([0.0, 1.0, 2.0, 4.0])).tolist() == [0, 2, 4, 5]
    busy = fitted(*shop(540)[:2]).clock
    assert busy.beyond == pytest.approx(busy.behind[365] / 365, rel=0.03)
    assert busy.beyond < busy.ahead[90] / 90 * 0.8


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
