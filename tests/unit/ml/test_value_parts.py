"""Level, interval, rhythm and baselines of value, each on numbers that can be checked by hand."""

from datetime import date

import numpy as np
import pytest
from rhythm_worlds import judged

from ml.amounts import coverage
from ml.btyd.gamma_gamma import GammaGamma
from ml.linear import fit_tweedie
from ml.value.base import Base
from ml.value.baselines import COLUMNS, fit_historical_average, frequency_times_value
from ml.value.interval import fit_interval, historical_quantiles
from ml.value.level import Season, factor, recent_feature
from ml.value.rhythm import _own_days, days_to_next_order

LAST_YEAR = Season({date(2024, 9, 1): (300.0, 200.0), date(2024, 3, 1): (100.0, 200.0)})


def test_last_years_window_times_growth_is_expected():
    assert LAST_YEAR.forecast(date(2025, 9, 1), 400.0) == pytest.approx(600.0)
    assert factor(LAST_YEAR.forecast(date(2025, 9, 1), 400.0), 500.0) == pytest.approx(1.2)


def test_without_a_snapshot_near_last_years_day_the_models_own_sum_stands():
    assert LAST_YEAR.forecast(date(2025, 6, 1), 400.0) is None
    assert factor(LAST_YEAR.forecast(date(2025, 6, 1), 400.0), 500.0) == 1.0


def test_a_forecast_that_no_shop_could_live_is_believed_only_so_far():
    assert factor(LAST_YEAR.forecast(date(2025, 9, 1), 1e6), 500.0) == 3.0
    assert factor(LAST_YEAR.forecast(date(2025, 9, 1), 1.0), 500.0) == pytest.approx(1 / 3)


def test_the_window_nearest_to_the_horizon_tells_growth():
    names = ("spend_30d", "spend_90d", "spend_365d")
    assert [recent_feature("spend", days, names) for days in (30, 80, 300)] == ["spend_30d", "spend_90d", "spend_365d"]
    assert recent_feature("orders", 30, names) is None


def test_the_interval_covers_what_it_promises_where_some_buy_nothing_and_where_all_buy():
    rng = np.random.default_rng(0)
    p = rng.gamma(1.0, 100.0, 20000)
    y = p * rng.gamma(2.0, 0.5, 20000) * (rng.random(20000) < np.where(p > 100, 1.0, 0.5))
    learned, judged = slice(0, 10000), slice(10000, None)
    low, high = fit_interval(y[learned], p[learned]).ends(p[judged], float(p[judged].mean()))
    assert coverage(y[judged], low, high) == pytest.approx(0.8, abs=0.02)
    assert (low <= p[judged]).all()
    assert (high >= p[judged]).all()
    assert (low[p[judged] > 300] > 0).all()
    assert (low[p[judged] < 50] == 0).all()


def test_predictions_that_are_tied_share_a_group_and_no_group_is_empty_or_small():
    rng = np.random.default_rng(0)
    p = np.repeat([5.0, 15.0], 1000)
    y = p * rng.gamma(4.0, 0.25, 2000)
    interval = fit_interval(y, p)
    assert len(interval.low) == 2
    for asked in (3.0, 5.0, 14.9, 15.0, 40.0):
        low, high = interval.ends(np.array([asked]), 10.0)
        assert 0.2 * asked < low[0] < 0.8 * asked
        assert 1.2 * asked < high[0] < 2.5 * asked
    few = np.concatenate([[1.0], np.full(700, 2.0), rng.gamma(9.0, 1.0, 299) + 2])
    interval = fit_interval(few, few)
    sizes = np.bincount(np.searchsorted(interval.edges, few / few.mean(), side="right"), minlength=len(interval.low))
    assert sizes[0] == 800, "the lone lowest one is with the tied"
    assert sizes.min() >= 50


def test_predictions_without_ties_are_parted_into_tenths():
    p = np.random.default_rng(0).gamma(1.0, 100.0, 537)
    assert fit_interval(p, p).edges == tuple(np.quantile(p / p.mean(), np.arange(1, 10) / 10))


def test_where_gaps_vary_half_of_those_with_a_pace_have_ordered_by_their_day():
    rng = np.random.default_rng(1)
    pace = rng.gamma(2, 0.01, 50_000) + 0.003
    none = np.full(len(pace), np.nan)
    told = days_to_next_order(pace, np.full(len(pace), 9.0), none, none)
    took = rng.exponential(1 / pace)
    for low, high in ((0, 20), (20, 60), (60, 300)):
        group = (told >= low) & (told < high)
        assert np.mean(took[group] <= told[group]) == pytest.approx(0.5, abs=0.02)


def test_in_a_regular_shop_pace_and_rhythm_together_know_more_than_either():
    found = judged(0.3, customers=3000)
    assert found["both"][0] < 0.97 * min(found["pace"][0], found["rhythm"][0])
    assert found["both"][1] > max(found["pace"][1], found["rhythm"][1])


def test_by_their_own_rhythm_who_is_overdue_is_expected_after_today_by_the_silence_so_far():
    rng = np.random.default_rng(1)
    gap, variation = 30.0, 0.5
    gaps = gap * np.exp(np.sqrt(np.log1p(variation**2)) * rng.standard_normal(200_000))
    silent = np.array([1.0, 20, 30, 45, 60, 80])
    told = _own_days(silent, np.full(6, gap), np.full(6, np.nan), variation)
    left = [np.median(gaps[gaps > days]) - days for days in silent]
    assert told == pytest.approx(left, abs=0.8)
    assert (told > 0).all()


def test_a_rhythm_is_the_median_gap_else_the_mean_and_broken_by_a_long_silence():
    silent, mean = np.array([10.0, 40, 91, 10, 10]), np.array([99.0, 99, 99, 14.5, np.nan])
    own = _own_days(silent, np.array([30.0, 30, 30, np.nan, np.nan]), mean, 0.1)
    assert own[[0, 3]] == pytest.approx([20, 4.5], abs=0.5)
    assert own[1] > 0
    assert np.isnan(own[[2, 4]]).all(), "silent for more than three gaps; one order is no rhythm"


def test_no_day_is_told_before_a_first_order_and_where_none_is_expected_within_a_year():
    silent, none = np.array([3.0, np.nan, 3.0]), np.full(3, np.nan)
    told = days_to_next_order(np.array([0.01, 0.01, 0.001]), silent, none, none)
    assert told[0] == 69
    assert np.isnan(told[1:]).all()


def test_who_came_yesterday_is_not_expected_to_come_every_day():
    X = np.array([[365.0, 12, 365], [40.0, 1, 1]], np.float32)
    average = fit_historical_average(X, COLUMNS)
    spend, orders = average.predict(X, COLUMNS, 30)
    assert 25 < spend[0] < 35
    assert spend[1] < 60
    assert orders[1] < 1.5
    assert frequency_times_value(X, COLUMNS, 73).tolist() == pytest.approx([73.0, 8.0])


def test_a_shop_without_orders_expects_nothing():
    average = fit_historical_average(np.ones((3, 1), np.float32), ("visits",))
    assert average.predict(np.ones((3, 1), np.float32), ("visits",), 30)[0].tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("power", [1.0, 1.2])
def test_the_linear_model_finds_a_power_law(power):
    rng = np.random.default_rng(2)
    x = rng.gamma(1.0, 10.0, 20000)
    y = rng.poisson(np.sqrt(1 + x)).astype(float)
    model = fit_tweedie(x[:, None].astype(np.float32), y / y.mean(), np.arange(20000), power=power, ridge=1e-6)
    low, high = model.margin(np.array([[3.0], [99.0]], np.float32))
    assert high - low == pytest.approx(0.5 * np.log(100 / 4), abs=0.05)


def test_money_to_be_expected_goes_by_what_the_season_makes_orders_worth_and_orders_do_not():
    names = ("btyd_expected_orders", "btyd_expected_order_values", "order_days_365d", "spend_365d")
    X = np.array([[2.0, 3.0, 10.0, 500.0], [np.nan, np.nan, 0.0, 0.0]], np.float32)
    worth = GammaGamma(2.0, 3.0, 40.0)
    usual = worth.expected_value(np.array([10.0]), np.array([50.0]))[0]
    in_money = Base(unknown=7.0, floor=0.01, times=0.9, worth=worth).amounts(X, names)
    assert in_money.tolist() == pytest.approx([3 * usual * 0.9, 7.0])
    assert Base(unknown=0.5, floor=0.01).amounts(X, names).tolist() == [2.0, 0.5]


def test_historical_quantiles_are_those_of_customers_who_had_spent_alike():
    rng = np.random.default_rng(2)
    spent = np.repeat(np.arange(20.0), 500)
    y = spent * rng.random(len(spent)) * (rng.random(len(spent)) < np.where(spent > 5, 1.0, 0.5))
    low, high = historical_quantiles(spent, y, np.array([1.0, 19.0, 500.0]))
    often, most = y[spent < 2], y[spent > 17]
    assert (low[0], high[0]) == (0, pytest.approx(np.quantile(often, 0.8)))
    assert (low[1], high[1]) == pytest.approx(tuple(np.quantile(most, [0.1, 0.9])))
    assert (low[2], high[2]) == (low[1], high[1]), "who spent more than anybody is like those who spent most"
    assert historical_quantiles(np.zeros(50), y[:50], np.zeros(2))[1].tolist() == [np.quantile(y[:50], 0.8)] * 2
