"""The three models against lives drawn by their own rules, against the textbook forms, and at the edges."""

from __future__ import annotations

import json

import numpy as np
import pytest
from btyd_world import KINDS, TRUTHS, Lives, live
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from scipy.special import gammaln, hyp2f1

from ml.btyd.bg_nbd import BgNbd
from ml.btyd.mbg_nbd import MbgNbd
from ml.btyd.model import BtydFitError, BtydModel, maximum
from ml.btyd.pareto_nbd import ParetoNbd
from ml.btyd.statistics import Statistics

HORIZON = 90.0
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
each_truth = pytest.mark.parametrize("truth", TRUTHS, ids=lambda truth: truth.name)


def stats_of(*rows: tuple[float, float, float]) -> Statistics:
    return Statistics(*np.array(rows, float).T)


def parameters(model: BtydModel) -> np.ndarray:
    return np.array([value for name, value in model.to_json().items() if name != "model"])


@pytest.fixture(scope="module")
def lives() -> dict[str, Lives]:
    return {truth.name: live(truth, 12_000, HORIZON, seed=5) for truth in TRUTHS}


@each_truth
def test_the_parameters_that_drew_the_lives_are_found(truth: BtydModel, lives: dict[str, Lives]) -> None:
    stats = lives[truth.name].stats
    found = type(truth).fit(stats)
    assert np.abs(np.log(parameters(found) / parameters(truth))).max() < 0.3
    gain = truth.log_likelihood(parameters(found), stats)[0] - truth.log_likelihood(parameters(truth), stats)[0]
    assert -1 < 2 * gain.sum() < 20, "twice the gain is chi-square with four degrees of freedom"


@each_truth
def test_what_is_expected_of_a_group_is_what_its_customers_do(truth: BtydModel, lives: dict[str, Lives]) -> None:
    life = lives[truth.name]
    stats, bought = life.stats, life.purchases > 0
    group = np.argsort(np.argsort(truth.p_active(stats, HORIZON), kind="stable")) // 2400
    for expected, happened in (
        (truth.p_alive(stats), life.is_alive),
        (truth.p_active(stats, HORIZON), bought),
        (truth.expected_purchases(stats, HORIZON), life.purchases),
        (truth.expected_lifetime_days(stats, 500), np.minimum(life.days_left, 500)),
    ):
        for number in range(5):
            off = happened[group == number].astype(float) - expected[group == number]
            assert abs(off.mean()) < 4 * off.std() / np.sqrt(len(off)) + 1e-12


@each_kind
def test_the_slope_is_that_of_the_likelihood(kind: type[BtydModel]) -> None:
    stats = stats_of((0, 0, 0), (0, 0, 200), (2, 30, 31), (9, 60, 60), (40, 300, 500))
    for at in (np.array([0.5, 40.0, 0.9, 30.0]), np.array([3.0, 5.0, 2.0, 0.4])):
        value, slope = kind.log_likelihood(at, stats)
        for row in range(len(stats)):
            one = stats.rows(np.array([row]))
            numeric = approx_fprime(at, lambda p, one=one: kind.log_likelihood(p, one)[0][0], 1e-6)
            assert slope[:, row] == pytest.approx(numeric, rel=1e-4, abs=1e-5)
        assert np.isfinite(value).all()


@pytest.mark.parametrize("a", [0.4, 1.7])
def test_expected_purchases_are_those_of_the_papers_formula(a: float) -> None:
    """Equation 10 of Fader, Hardie, Lee 2005, which divides by a - 1."""
    model, (x, recency, age), days = BgNbd(0.24, 31.0, a, 2.4), (2.0, 213.0, 272.0), 273.0
    b, rate = model.b + x, model.alpha + age
    series = hyp2f1(model.r + x, b, a + b - 1, days / (rate + days))
    if_alive = (a + b - 1) / (a - 1) * (1 - (rate / (rate + days)) ** (model.r + x) * series)
    still = 1 / (1 + a / (b - 1) * (rate / (model.alpha + recency)) ** (model.r + x))
    found = model.expected_purchases(stats_of((x, recency, age)), days)
    assert found == pytest.approx([if_alive * still], rel=1e-10)


def test_a_parameter_of_1_is_no_hole() -> None:
    stats = stats_of((2, 213, 272), (0, 0, 30))
    for one, beside in (
        (BgNbd(0.24, 31, 1.0, 2.4), BgNbd(0.24, 31, 1 + 1e-7, 2.4)),
        (ParetoNbd(0.55, 74, 1.0, 80), ParetoNbd(0.55, 74, 1 + 1e-7, 80)),
    ):
        for days in (1.0, 400.0):
            assert one.expected_purchases(stats, days) == pytest.approx(beside.expected_purchases(stats, days))


@pytest.mark.parametrize(("alpha", "beta"), [(74.0, 81.0), (500.0, 5.0), (5.0, 3000.0)])
def test_pareto_nbd_has_the_likelihood_of_both_branches_of_the_textbook(alpha: float, beta: float) -> None:
    r, s = 0.6, 0.9
    for x, recency, age in ((0.0, 0.0, 200.0), (2.0, 213.0, 272.0), (20.0, 100.0, 130.0)):
        low, high, c = (beta, alpha, s + 1) if alpha >= beta else (alpha, beta, r + x)
        k = r + s + x
        a0 = sum(
            sign * hyp2f1(k, c, k + 1, (high - low) / (high + t)) / (high + t) ** k
            for sign, t in ((1, recency), (-1, age))
        )
        whole = 1 / ((alpha + age) ** (r + x) * (beta + age) ** s) + s / k * a0
        expected = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta) + np.log(whole)
        stats = stats_of((x, recency, age))
        found = ParetoNbd.log_likelihood(np.array([r, alpha, s, beta]), stats)[0]
        assert found == pytest.approx([expected], rel=1e-9)
        still = 1 / (1 + s / k * (alpha + age) ** (r + x) * (beta + age) ** s * a0)
        assert ParetoNbd(r, alpha, s, beta).p_alive(stats) == pytest.approx([still], rel=1e-9)


def test_pareto_nbd_knows_customers_of_whom_the_textbook_forms_give_no_number() -> None:
    """The four that CLVTools names in its test of P(alive), in weeks; powers of 221 purchases overflow."""
    stats = stats_of((221, 103.43, 103.57), (254, 97.14, 97.29), (161, 94.71, 98.0), (204, 98.57, 99.43))
    alive = ParetoNbd(0.5143, 2.8845, 0.2856, 14.1087).p_alive(stats)
    assert ((alive > 0.01) & (alive < 1)).all()
    assert alive[2] == alive.min(), "silent for three weeks at two purchases a week"


def test_who_bought_once_still_is_a_customer_in_bg_nbd_and_perhaps_not_in_the_others() -> None:
    once = stats_of((0, 0, 300))
    assert BgNbd(0.24, 31, 0.8, 2.4).p_alive(once) == 1
    assert MbgNbd(0.5, 43, 0.9, 1.6).p_alive(once) < 0.8
    assert ParetoNbd(0.55, 74, 0.6, 82).p_alive(once) < 0.8


shape, scale = (st.floats(*logs).map(lambda power: float(np.exp(power))) for logs in ((-3, 2), (1, 7)))
customer = st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0.5, 900))
"""Share of days with a purchase, share of the age at the last of them, age."""


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    first=st.tuples(shape, scale, shape),
    last=st.tuples(shape, scale),
    rows=st.lists(customer, min_size=1, max_size=5),
    days=st.floats(1, 700),
)
def test_probabilities_are_probabilities_and_nothing_falls_as_the_horizon_grows(kind, first, last, rows, days) -> None:
    model = kind(*first, last[kind is ParetoNbd])
    stats = stats_of(*((part * age // 1, until * age * (part * age >= 1), age) for part, until, age in rows))
    near, far = model.p_active(stats, days), model.p_active(stats, 2 * days)
    alive = model.p_alive(stats)
    assert (near >= 0).all()
    assert (near <= far + 1e-7).all()
    assert (far <= alive + 1e-7).all()
    assert (alive <= 1).all()
    few, many = model.expected_purchases(stats, days), model.expected_purchases(stats, 2 * days)
    assert (near <= few * (1 + 1e-6) + 1e-12).all(), "at least one purchase is at most one purchase on average"
    assert (few <= many).all()
    life = model.expected_lifetime_days(stats, days)
    assert ((life >= 0) & (life <= alive * days * (1 + 1e-9))).all()


WORLDS = {
    "one_customer_of_yesterday": stats_of((0, 0, 1)),
    "thirty_of_whom_nobody_repeats": stats_of(*((0, 0, 10.0 * n) for n in range(1, 31))),
    "everybody_repeats_alike": stats_of(*[(5, 100, 120)] * 30),
    "equal_ages": stats_of(*[(0, 0, 100), (1, 50, 100), (2, 80, 100)] * 10),
    "zero_ages": stats_of(*[(0, 0, 0)] * 5),
    "every_day": stats_of(*[(300, 300, 301)] * 3),
    "all_silent_for_two_years": stats_of(*[(3, 20, 700)] * 50),
}


@each_kind
@pytest.mark.parametrize("world", WORLDS)
def test_no_shop_is_too_small_or_too_odd(kind: type[BtydModel], world: str) -> None:
    stats = WORLDS[world]
    model = kind.fit(stats)
    assert (parameters(model) > 1e-3).all()
    assert (parameters(model) < 1e5).all()
    expected = model.expected_purchases(stats, 365)
    pace = stats.frequency / np.maximum(stats.age, 30)
    assert (expected <= 365 * (1.5 * pace + 0.02)).all()
    assert ((model.p_active(stats, 365) >= 0) & (model.p_active(stats, 365) <= 1)).all()


@each_kind
def test_the_prior_is_forgotten_where_there_are_customers(kind: type[BtydModel], lives: dict[str, Lives]) -> None:
    stats = lives["mbg_nbd"].stats.rows(np.arange(6000))
    with_prior, without = (kind.fit(stats, prior_weight=weight) for weight in (1.0, 0.0))
    assert parameters(with_prior) == pytest.approx(parameters(without), rel=0.05)
    assert with_prior != without


@each_kind
def test_nobody_is_an_error_of_its_own(kind: type[BtydModel]) -> None:
    with pytest.raises(BtydFitError, match="nobody"):
        kind.fit(Statistics(*np.empty((3, 0))))


def test_a_search_that_ends_nowhere_is_the_same_error() -> None:
    for slope in (1.0, np.nan):
        with pytest.raises(BtydFitError, match="no most likely parameters of 7 customers"):
            maximum(lambda _, slope=slope: (0.0, np.array([7 * slope])), 7, np.zeros(1), np.ones(1), 0.0)


@each_kind
def test_the_order_of_customers_changes_no_bit(kind: type[BtydModel], lives: dict[str, Lives]) -> None:
    stats = lives["mbg_nbd"].stats.rows(np.arange(500))
    turned = np.random.default_rng(0).permutation(500)
    model = kind.fit(stats)
    assert kind.fit(stats.rows(turned)) == model
    assert (model.p_active(stats.rows(turned), 30) == model.p_active(stats, 30)[turned]).all()


@each_kind
def test_beyond_the_limit_the_customers_with_the_lowest_hash_are_fitted_on(kind, monkeypatch) -> None:
    monkeypatch.setattr("ml.btyd.model.MAX_ROWS", 40)
    stats = stats_of(*[(0, 0, 100), (3, 90, 100)] * 40)
    hashed = np.arange(80)[::-1]
    assert kind.fit(stats, hashed=hashed) == kind.fit(stats.rows(np.arange(40, 80)))
    assert kind.fit(stats) != kind.fit(stats.rows(np.arange(40, 79))), "without hashes nobody is left out"


@each_truth
def test_what_is_written_is_read_to_the_bit(truth: BtydModel) -> None:
    model = type(truth).fit(stats_of((0, 0, 10), (2, 30, 77)))
    assert type(truth).from_json(json.loads(json.dumps(model.to_json()))) == model
    with pytest.raises(ValueError, match="is not"):
        type(truth).from_json({**model.to_json(), "model": "another"})
