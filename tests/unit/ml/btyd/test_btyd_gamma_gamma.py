"""What a purchase will be worth, in a world where it is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from ml.btyd.gamma_gamma import GammaGamma
from ml.btyd.model import BtydFitError

TRUTH = GammaGamma(p=5.0, q=4.0, gamma=30.0)


def world(customers: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Purchases, their mean value, and the mean of all that the customer will ever buy."""
    rng = np.random.default_rng(3)
    purchases = rng.integers(1, 6, customers).astype(float)
    rate = rng.gamma(TRUTH.q, 1 / TRUTH.gamma, customers)
    return purchases, rng.gamma(TRUTH.p * purchases, 1 / rate) / purchases, TRUTH.p / rate


def test_the_parameters_that_drew_the_values_are_found() -> None:
    purchases, mean, _ = world(20_000)
    found = GammaGamma.fit(purchases, mean)
    assert (found.p, found.q, found.gamma) == pytest.approx((TRUTH.p, TRUTH.q, TRUTH.gamma), rel=0.08)


def test_what_is_expected_is_the_mean_of_those_who_look_alike() -> None:
    purchases, mean, future = world(200_000)
    expected = TRUTH.expected_value(purchases, mean)
    for lowest, highest in ((0, 20), (20, 40), (40, 80), (80, 500)):
        own = (mean >= lowest) & (mean < highest) & (purchases == 1)
        off = future[own] - expected[own]
        assert abs(off.mean()) < 4 * off.std() / np.sqrt(own.sum())


def test_more_purchases_draw_to_the_own_mean_and_none_to_that_of_all() -> None:
    of_all = TRUTH.p * TRUTH.gamma / (TRUTH.q - 1)
    found = TRUTH.expected_value(np.array([0.0, 0.0, 1.0, 1000.0]), np.array([0.0, np.nan, 200.0, 200.0]))
    assert found[:2].tolist() == [of_all, of_all]
    assert of_all < found[2] < found[3] < 200
    assert found[3] == pytest.approx(200, rel=0.01)


def test_the_slope_is_that_of_the_likelihood() -> None:
    purchases, mean, at = np.array([1.0, 3, 40]), np.array([20.0, 0.5, 900]), np.array([3.0, 2.5, 8.0])
    numeric = approx_fprime(at, lambda q: GammaGamma.log_likelihood(q, purchases, mean)[0].sum(), 1e-6)
    assert GammaGamma.log_likelihood(at, purchases, mean)[1].sum(axis=1) == pytest.approx(numeric, rel=1e-4)


def test_purchases_for_nothing_teach_nothing() -> None:
    purchases, mean = np.array([1.0, 2.0, 3.0, 0.0]), np.array([10.0, 30.0, 0.0, 0.0])
    assert GammaGamma.fit(purchases, mean) == GammaGamma.fit(purchases[:2], mean[:2])
    with pytest.raises(BtydFitError, match="any value"):
        GammaGamma.fit(purchases[2:], mean[2:])


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="numbers"):
        GammaGamma.fit(np.array([1.0, 2.0]), np.array([10.0, np.nan]))


def test_beyond_the_limit_the_customers_with_the_lowest_hash_are_fitted_on(monkeypatch) -> None:
    monkeypatch.setattr("ml.btyd.gamma_gamma.MAX_ROWS", 40)
    purchases, mean, _ = world(80)
    assert GammaGamma.fit(purchases, mean, hashed=np.arange(80)[::-1]) == GammaGamma.fit(purchases[40:], mean[40:])


def test_another_currency_only_changes_the_unit() -> None:
    purchases, mean, _ = world(300)
    euro, cent = GammaGamma.fit(purchases, mean), GammaGamma.fit(purchases, mean * 100)
    assert (cent.p, cent.q, cent.gamma) == pytest.approx((euro.p, euro.q, euro.gamma * 100), rel=1e-4)


@pytest.mark.parametrize("values", [[20.0] * 30, [7.0], [0.01, 1e5, 3.0]], ids=["alike", "one", "far_apart"])
def test_no_shop_is_too_small_or_too_odd(values: list[float]) -> None:
    mean = np.array(values)
    found = GammaGamma.fit(np.ones(len(mean)), mean)
    expected = found.expected_value(np.ones(len(mean)), mean)
    assert np.isfinite(expected).all()
    assert (expected > 0).all()
    assert expected.max() < 2 * mean.max()


def test_what_is_written_is_read_to_the_bit() -> None:
    found = GammaGamma.fit(*world(50)[:2])
    assert GammaGamma.from_json(json.loads(json.dumps(found.to_json()))) == found
    with pytest.raises(ValueError, match="is not"):
        GammaGamma.from_json({**found.to_json(), "model": "bg_nbd"})
