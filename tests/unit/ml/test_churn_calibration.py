from datetime import date

import numpy as np
import pytest

from ml.churn.calibration import Line, fit_line, knows_season, level_gap, season_shift
from ml.churn.fallback import fit_fallback
from ml.churn.rules import SILENCE
from ml.evaluation import expit
from ml.linear import Linear, fit_logistic, log_scale

RNG = np.random.default_rng(4)
MARGIN = RNG.normal(size=5000)


def draw(margin):
    return (RNG.random(len(margin)) < expit(margin)).astype(float)


def test_half_of_what_one_later_date_says_is_believed():
    line = fit_line(MARGIN, draw(2 * MARGIN + 1), knows_season=True)
    assert line.slope == pytest.approx(1.5, abs=0.1)
    assert line.intercept == pytest.approx(0.5, abs=0.1)


def test_without_knowing_the_season_the_level_of_one_date_is_not_carried_to_another():
    assert fit_line(MARGIN, draw(MARGIN + 1), knows_season=False).intercept == 0


def test_a_dozen_customers_hardly_move_the_line():
    line = fit_line(MARGIN[:12], np.ones(12), knows_season=True)
    assert abs(line.slope - 1) < 0.15
    assert Line().probability(np.zeros(1)) == 0.5


def test_the_level_gap_makes_expectation_meet_outcome():
    y = draw(MARGIN + 0.7)
    assert expit(MARGIN + level_gap(MARGIN, y)).mean() == pytest.approx(y.mean(), abs=1e-9)


def test_half_of_last_years_gap_at_this_season_is_expected_again():
    gaps = {date(2023, 9, 7): -0.8, date(2024, 3, 1): 0.4}
    assert season_shift(gaps, date(2024, 9, 6)) == pytest.approx(-0.4)
    assert season_shift(gaps, date(2024, 12, 1)) == 0
    assert knows_season(gaps, date(2024, 9, 6))
    assert not knows_season(gaps, date(2024, 12, 1))


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
    fallback = fit_fallback(SILENT[:0], np.empty(0), SILENT, NAMES, active_days=365)
    assert fallback.predict(SILENT, NAMES).tolist() == [*SILENCE.prior_rates, SILENCE.prior_rates[-1]]
    assert fallback.usual_gap == 30


def test_known_outcomes_pull_the_fallback_but_never_against_the_order():
    known = np.repeat(SILENT[:1], 2000, axis=0)
    fallback = fit_fallback(known, np.ones(2000), SILENT, NAMES, active_days=365)
    assert fallback.rates[0] > 0.9
    assert list(fallback.rates) == sorted(fallback.rates)


def test_a_shop_where_nobody_ordered_twice_takes_a_quarter_of_the_active_days_as_the_gap():
    alone = np.array([[10, np.nan]], np.float32)
    assert fit_fallback(alone[:0], np.empty(0), alone, NAMES, active_days=360).usual_gap == 90
