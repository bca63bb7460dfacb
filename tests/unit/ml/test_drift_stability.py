"""A moved distribution is flagged, an unmoved one of few customers is not."""

import numpy as np
import pytest

from ml.drift.stability import (
    FEWEST,
    Distribution,
    distribution,
    odds_around_level,
    population_stability,
    times_the_mean,
)
from ml.evaluation import expit, logit

SHAPES = {
    "normal": lambda rng, n: rng.normal(size=n),
    "counts": lambda rng, n: rng.poisson(1.5, n).astype(float),
    "mostly nothing": lambda rng, n: rng.poisson(0.05, n).astype(float),
    "skewed, a third unknown": lambda rng, n: np.where(rng.random(n) < 1 / 3, np.nan, rng.exponential(50, n)),
}


def test_the_index_of_two_groups_is_the_formula_worked_by_hand() -> None:
    then = Distribution(edges=(1.0,), shares=(0.0, 0.5, 0.5), customers=100_000)
    now = np.repeat([0.0, 2.0], [80_000, 20_000])
    assert population_stability(then, now).psi == pytest.approx(0.3 * np.log(1.6) - 0.3 * np.log(0.4), abs=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("then", "now"), [(200, 200), (1_000, 60)])
def test_nothing_is_flagged_among_few_customers_who_did_not_change(shape: str, then: int, now: int) -> None:
    rng, draw = np.random.default_rng(1), SHAPES[shape]
    shifts = [population_stability(distribution(draw(rng, then), then), draw(rng, now)) for _ in range(300)]
    assert not any(shift.is_beyond for shift in shifts)
    assert all(shift.noise > shift.expected for shift in shifts if shift.noise)


def test_by_chance_the_index_is_what_is_expected_of_it() -> None:
    """And so .1, which is read as a small change elsewhere, says nothing about 200 customers."""
    rng = np.random.default_rng(2)
    shifts = [population_stability(distribution(rng.normal(size=600), 600), rng.normal(size=200)) for _ in range(300)]
    assert np.mean([shift.psi for shift in shifts]) == pytest.approx(shifts[0].expected, rel=0.1)
    assert shifts[0].expected == pytest.approx(9 * (1 / 600 + 1 / 200))


@pytest.mark.parametrize("customers", [200, 5_000])
def test_a_shift_by_a_standard_deviation_is_flagged(customers: int) -> None:
    rng = np.random.default_rng(3)
    then = distribution(rng.normal(size=customers), customers)
    assert population_stability(then, rng.normal(loc=1.0, size=customers)).is_beyond


def test_a_small_shift_of_very_many_customers_is_real_and_no_reason_to_worry() -> None:
    rng = np.random.default_rng(4)
    shift = population_stability(distribution(rng.normal(size=50_000), 50_000), rng.normal(loc=0.1, size=50_000))
    assert shift.psi > shift.noise
    assert not shift.is_beyond


def test_values_that_became_unknown_are_a_shift() -> None:
    values = np.random.default_rng(5).normal(size=1_000)
    now = np.where(np.arange(1_000) < 400, np.nan, values)
    assert population_stability(distribution(values, 1_000), now).is_beyond


def test_a_feature_that_was_always_nothing_and_came_alive_is_flagged() -> None:
    """As when a shop begins to send events."""
    now = np.where(np.arange(1_000) < 300, 2.0, 0.0)
    assert population_stability(distribution(np.zeros(1_000), 1_000), now).is_beyond
    assert population_stability(distribution(np.zeros(1_000), 1_000), np.zeros(1_000)).psi == 0


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("customers", [20, 100, 1_000])
def test_no_edge_speaks_of_few_customers_or_gives_a_value_away(shape: str, customers: int) -> None:
    values = SHAPES[shape](np.random.default_rng(6), customers)
    found = distribution(values, customers)
    sizes = np.array(found.shares[1:]) * customers
    assert not found.edges or min(size for size in sizes if size > 0.5) >= FEWEST - 0.01
    assert all(float(f"{edge:.3g}") == edge for edge in found.edges)


def test_customers_seen_in_three_snapshots_count_once_behind_an_edge() -> None:
    """Thirty rows of ten customers are too few."""
    values = np.tile(np.repeat([1.0, 2.0], [90, 10]), 3)
    assert distribution(values, 100).edges == ()
    assert distribution(values, 300).edges == (1.0,)


def test_a_level_that_the_season_moves_is_no_drift_of_the_scores() -> None:
    """All odds three times as high, all amounts doubled: nobody's place has changed."""
    rng = np.random.default_rng(7)
    p, amounts = rng.beta(2, 3, 5_000), rng.gamma(2.0, 20.0, 5_000)
    then = distribution(odds_around_level(p), 5_000)
    assert population_stability(then, odds_around_level(expit(logit(p) + np.log(3)))).psi < 0.01
    assert population_stability(distribution(times_the_mean(amounts), 5_000), times_the_mean(2 * amounts)).psi < 0.01
    assert population_stability(then, odds_around_level(expit(logit(p) * 0.3))).is_beyond, "they bunch together"


def test_nobody_today_is_no_shift() -> None:
    assert not population_stability(distribution(np.arange(100.0), 100), np.empty(0)).is_beyond
