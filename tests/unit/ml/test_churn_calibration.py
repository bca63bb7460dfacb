from datetime import date

import numpy as np
import pytest

from ml.churn.calibration import Held, fit_weights, season_shift
from ml.churn.ladder import fit_ladder
from ml.churn.rules import SILENCE
from ml.evaluation import expit, level_gap
from ml.linear import Linear, fit_logistic, log_scale
from ml.seasons import lasting

RNG = np.random.default_rng(4)
MARGIN = RNG.normal(size=5000)


def draw(margin):
    return (RNG.random(len(margin)) < expit(margin)).astype(float)


PRIOR = np.array([0.5, 0.25, 0.25])
NOISE = RNG.normal(size=(2, 5000))


def held(level=0.0, slope=1.0):
    """Three parts of which only the first knows anything."""
    return Held(np.column_stack([MARGIN, *NOISE]), draw(slope * MARGIN + level))


def test_parts_that_know_nothing_lose_their_weight_and_none_falls_below_nothing():
    against = [Held(np.column_stack([MARGIN, NOISE[0] - MARGIN, NOISE[1]]), draw(2 * MARGIN - NOISE[0])) for _ in "ab"]
    first, second, third = fit_weights(against, PRIOR)
    assert first > 0.75
    assert second == 0
    assert 0 <= third < 0.1


def test_some_of_what_parts_are_too_timid_by_is_made_up_for():
    timid, fair = (Held(np.column_stack([part * MARGIN] * 3), draw(2 * MARGIN)) for part in (1.0, 2.0))
    assert 1.25 < fit_weights([timid], PRIOR).sum() < 1.75
    assert fit_weights([fair], PRIOR).sum() == pytest.approx(1.0, abs=0.08)


def test_a_level_that_no_part_knows_moves_no_weight():
    assert np.allclose(fit_weights([held(-1.5), held(1.5)], PRIOR), fit_weights([held(), held()], PRIOR), atol=0.05)


def test_a_dozen_customers_hardly_move_the_weights():
    few = Held(np.column_stack([np.zeros(12), *RNG.normal(size=(2, 12)) * 0.1]), np.repeat([0.0, 1.0], 6))
    assert np.allclose(fit_weights([few], PRIOR), PRIOR, atol=0.3)


def test_the_level_gap_makes_expectation_meet_outcome():
    y = draw(MARGIN + 0.7)
    assert expit(MARGIN + level_gap(MARGIN, y.mean())).mean() == pytest.approx(y.mean(), abs=1e-9)


def test_a_lasting_error_of_the_level_is_believed_the_more_often_it_was_seen():
    seen = {date(2024, month, 1): 0.4 for month in range(1, 11)}
    assert lasting({}) == 0
    assert lasting({date(2024, 1, 1): 0.4}) == pytest.approx(0.4 / 6)
    assert lasting(seen) == pytest.approx(0.4 * 10 / 15)


def test_half_of_last_years_gap_at_this_season_is_expected_again():
    gaps = {date(2023, 9, 7): -0.8, date(2024, 3, 1): 0.4}
    assert season_shift(gaps, date(2024, 9, 6)) == pytest.approx(-0.4)
    assert season_shift(gaps, date(2024, 12, 1)) == 0


def test_logistic_regression_finds_the_coefficients_it_was_drawn_from_and_unknowns_do_not_break_it():
    X = RNG.normal(size=(20_000, 3)).astype(np.float32)
    X[:, 2] = 7
    y = draw(1.0 * log_scale(X[:, [0]])[:, 0] - 0.5 * log_scale(X[:, [1]])[:, 0])
    X[:500, 0] = np.nan
    fitted = fit_logistic(X, y, np.arange(len(y)), ridge=1e-6)
    slopes = fitted.coefficient / fitted.scale
    assert slopes[0] == pytest.approx(1.0, abs=0.1)
    assert slopes[1] == pytest.approx(-0.5, abs=0.1)
    assert slopes[2] == 0
    assert np.isfinite(fitted.margin(X)).all()
    added = np.zeros((4, len(X)))
    fitted.add_explained(added, X.T)
    assert np.array_equal(added[-1], fitted.margin(X))
    assert np.allclose(fitted.margin(X), fitted.intercept + fitted.average.sum() + added[:-1].sum(axis=0))
    assert np.allclose(added[:-1].mean(axis=1), 0, atol=1e-6)
    read, again = Linear.from_json(fitted.to_json()), np.zeros((4, len(X)))
    read.add_explained(again, X.T)
    assert np.array_equal(again, added)


def test_a_regression_kept_before_averages_were_still_explains():
    fitted = fit_logistic(SILENT, np.array([0.0, 0, 0, 1, 1, 1]), np.arange(6))
    content = {name: value for name, value in fitted.to_json().items() if name != "average"}
    assert np.array_equal(Linear.from_json(content).margin(SILENT), fitted.margin(SILENT))


NAMES = ("days_since_last_order", "order_gap_median_days")
SILENT = np.array([[5, 30], [20, 30], [45, 30], [100, 30], [500, 30], [500, np.nan]], np.float32)


def test_without_any_outcome_the_fallback_says_what_it_believes_and_risk_rises_with_silence():
    fallback = fit_ladder(SILENT[:0], np.empty(0), SILENT, NAMES, active_days=365)
    assert fallback.predict(SILENT, NAMES).tolist() == [*SILENCE.prior_rates, SILENCE.prior_rates[-1]]
    assert fallback.usual_gap == 30


def test_known_outcomes_pull_the_fallback_but_never_against_the_order():
    known = np.repeat(SILENT[:1], 2000, axis=0)
    fallback = fit_ladder(known, np.ones(2000), SILENT, NAMES, active_days=365)
    assert fallback.rates[0] > 0.9
    assert list(fallback.rates) == sorted(fallback.rates)


def test_a_shop_where_nobody_ordered_twice_takes_a_quarter_of_the_active_days_as_the_gap():
    alone = np.array([[10, np.nan]], np.float32)
    assert fit_ladder(alone[:0], np.empty(0), alone, NAMES, active_days=360).usual_gap == 90
