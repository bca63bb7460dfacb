"""What is expected of a shop with too little data: by models of purchase and spend, else by everybody's own pace."""

import numpy as np
import pytest

from ml.btyd.gamma_gamma import GammaGamma
from ml.value.baselines import fit_historical_average
from ml.value.fallback import COLUMNS, expect

NAMES = COLUMNS


def shop(customers: int = 40) -> np.ndarray:
    """Who spends more is expected to order less: no pace says so."""
    rng = np.random.default_rng(3)
    days = rng.integers(1, 6, customers).astype(float)
    known = {
        "spend_365d": days * rng.gamma(4, 10, customers),
        "orders_365d": days,
        "days_since_first_order": rng.integers(50, 400, customers),
        "btyd_expected_orders": 1 / days,
        "btyd_expected_order_values": 1.5 / days,
        "order_days_365d": days,
    }
    return np.column_stack([known[name] for name in NAMES]).astype(np.float32)


def test_expected_orders_times_what_the_season_makes_one_worth_less_what_comes_back() -> None:
    X = shop()
    found = expect(X, NAMES, 90, returned_share=0.2)
    days, spend = (X[:, NAMES.index(name)].astype(float) for name in ("order_days_365d", "spend_365d"))
    worth = GammaGamma.fit(days, spend / days).expected_value(days, spend / days)
    assert found.version == "fallback:mbg_nbd_gamma_gamma"
    assert found.orders == pytest.approx(1 / days)
    assert found.spend == pytest.approx(1.5 * worth / days * 0.8, rel=1e-6)


def test_orders_are_counted_and_not_the_days_that_have_one() -> None:
    X = shop()
    X[:, NAMES.index("orders_365d")] *= 1.5
    found, days = expect(X, NAMES, 90, returned_share=0.0), X[:, NAMES.index("order_days_365d")].astype(float)
    assert found.orders_a_day == pytest.approx(1.5)
    assert found.orders == pytest.approx(1.5 / days)
    assert found.spend.tolist() == expect(shop(), NAMES, 90, returned_share=0.0).spend.tolist()


def test_who_has_never_ordered_goes_by_the_pace_of_all() -> None:
    X = shop()
    X[0] = np.nan
    average = fit_historical_average(X, NAMES, returned_share=0.1).predict(X, NAMES, 90)
    found = expect(X, NAMES, 90, returned_share=0.1)
    assert (found.spend[0], found.orders[0]) == (average[0][0], average[1][0])
    assert np.isfinite(found.spend).all()


@pytest.mark.parametrize("lacks", ["btyd_expected_orders", "btyd_expected_order_values", "order_days_365d"])
def test_without_expectations_or_spend_the_own_pace_speaks(lacks: str) -> None:
    names = tuple(name for name in NAMES if name != lacks)
    X = shop()[:, [NAMES.index(name) for name in names]]
    found = expect(X, names, 90, returned_share=0.0)
    assert found.version == "fallback:historical_average"
    assert found.spend.tolist() == fit_historical_average(X, names).predict(X, names, 90)[0].tolist()


def test_where_nobody_spent_or_nobody_is_there_the_own_pace_speaks() -> None:
    X = shop()
    X[:, NAMES.index("spend_365d")] = 0
    assert expect(X, NAMES, 90, returned_share=0.0).version == "fallback:historical_average"
    assert expect(X[:0], NAMES, 90, returned_share=0.0).spend.shape == (0,)
