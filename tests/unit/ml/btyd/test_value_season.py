import numpy as np
import pandas as pd
import pytest
from season_world import shop, told

from ml.btyd.clock import Clock
from ml.btyd.expectations import ORDER_VALUES, ORDERS, expectations
from ml.btyd.value_season import FEWEST_REPEATS, ValueSeason

SINE, COSINE = 0.15, -0.1
"""Of the logarithm of what an order is worth, by the time of the year."""
STEADY = Clock.of_speed(np.ones(540), np.ones(90))


def orders(customers=400, each=6, *, sine=SINE, cosine=COSINE, seed=1):
    """Customer, age in days and logarithm of the value of each order; large customers come at the best time."""
    rng = np.random.default_rng(seed)
    customer = np.repeat(np.arange(customers), each)
    age = rng.integers(1, 730, len(customer))
    usual = rng.normal(4, 1, customers)[customer]
    angle = 2 * np.pi * (0.5 - age) / 365.25
    season = sine * np.sin(angle) + cosine * np.cos(angle)
    return pd.DataFrame({
        "customer": customer, "sine": np.sin(angle), "cosine": np.cos(angle),
        "log_value": usual + season + rng.normal(0, 0.3, len(customer)),
    })  # fmt: skip


def sums(table):
    """The row that the warehouse gives."""
    names = ["sine", "cosine", "log_value"]
    less = table[names] - table.groupby("customer")[names].transform("mean")
    row = {f"{a}_{b}": float(less[a] @ less[b]) for k, a in enumerate(names) for b in names[k:]}
    return {"repeat_orders": float(len(table) - table["customer"].nunique()), **row}


def test_the_season_of_values_is_found_whoever_orders_when():
    table = orders()
    best = table[(SINE * table["sine"] + COSINE * table["cosine"]) > 0].index
    found = ValueSeason.fit(sums(table))
    assert (found.sine, found.cosine) == pytest.approx((SINE, COSINE), abs=0.02)
    table.loc[best, "customer"] += 1000  # who comes at the best time comes at no other, and orders for more
    table.loc[best, "log_value"] += 1
    found = ValueSeason.fit(sums(table))
    assert (found.sine, found.cosine) == pytest.approx((SINE, COSINE), abs=0.04)


def test_in_hindsight_the_season_is_that_of_the_day():
    season, ago = ValueSeason(0.2, -0.1), 100
    turned = 2 * np.pi * ago / 365.25
    sine, cosine = np.array([[np.cos(turned), np.sin(turned)], [-np.sin(turned), np.cos(turned)]]) @ (0.2, -0.1)
    assert season.ahead(STEADY, 90, ago=ago) == pytest.approx(ValueSeason(sine, cosine).ahead(STEADY, 90), rel=1e-9)


def test_few_orders_tell_of_no_season():
    few = orders(customers=FEWEST_REPEATS // 2, each=2)
    assert ValueSeason.fit(sums(few)) == ValueSeason()
    one_more = orders(customers=FEWEST_REPEATS // 2, each=3)
    assert 0 < abs(ValueSeason.fit(sums(one_more)).sine) < 0.5


def test_the_horizon_is_held_against_the_year_before():
    season = ValueSeason(0.2, 0.0)
    assert ValueSeason().ahead(STEADY, 90) == 1
    ahead = season.ahead(STEADY, 90)
    assert ahead == pytest.approx(
        season.at(np.arange(90) + 0.5).mean() / season.at(np.arange(365) + 0.5).mean(), rel=1e-3
    )
    busy_at_its_end = np.where(np.arange(90) < 45, 1.0, 3.0)
    assert season.ahead(Clock.of_speed(np.ones(540), busy_at_its_end), 90) > ahead


def test_expected_values_are_expected_orders_by_the_season_of_the_as_of():
    stats, repeats, _ = shop(540, seasonal=False)
    row = pd.DataFrame([sums(orders())])
    usual = expectations(*told(stats, repeats), 90)
    pd.testing.assert_series_equal(usual[ORDER_VALUES], usual[ORDERS], check_names=False)
    lifted = expectations(*told(stats, repeats), 90, values=row)
    pd.testing.assert_series_equal(lifted[ORDERS], usual[ORDERS])
    by_season = lifted[ORDER_VALUES].sum() / lifted[ORDERS].sum()
    assert by_season == pytest.approx(ValueSeason.fit(row.iloc[0]).ahead(STEADY, 90), abs=0.005)
    assert lifted[ORDER_VALUES].to_numpy() == pytest.approx(by_season * lifted[ORDERS].to_numpy(), abs=1e-5)
    pd.testing.assert_frame_equal(expectations(*told(stats, repeats), 90, values=row.iloc[:0]), usual)


def test_a_shop_younger_than_thirteen_months_has_no_season_of_values():
    stats, repeats, _ = shop(300)
    found = expectations(*told(stats, repeats), 90, values=pd.DataFrame([sums(orders())]))
    pd.testing.assert_series_equal(found[ORDER_VALUES], found[ORDERS], check_names=False)
