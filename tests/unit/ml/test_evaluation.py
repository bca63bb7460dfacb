import numpy as np
import pytest
from sklearn.metrics import log_loss as sk_log_loss
from sklearn.metrics import roc_auc_score

from ml.bootstrap import paired_bootstrap
from ml.evaluation import (
    auc,
    calibration_error,
    calibration_error_noise,
    calibration_line,
    evaluate,
    expit,
    groups,
    lift,
    log_loss,
    logit,
)


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(3)
    p = np.round(rng.beta(2, 2, 3000), 2)
    return (rng.random(3000) < p).astype(float), p


def test_auc_and_log_loss_agree_with_scikit_learn_also_with_ties_and_weights(world):
    y, p = world
    w = np.random.default_rng(0).integers(0, 4, len(y)).astype(float)
    assert auc(y, p) == pytest.approx(roc_auc_score(y, p), abs=1e-12)
    assert auc(y, p, w) == pytest.approx(roc_auc_score(y, p, sample_weight=w), abs=1e-12)
    assert log_loss(y, p) == pytest.approx(sk_log_loss(y, np.clip(p, 1e-6, 1 - 1e-6)), abs=1e-12)


def test_one_class_has_no_auc_and_no_slope():
    metrics = evaluate(np.ones(5), np.linspace(0.1, 0.9, 5))
    assert np.isnan(metrics.auc)
    assert np.isnan(metrics.calibration_slope)


def test_the_calibration_line_of_calibrated_probabilities_is_the_diagonal_and_of_extreme_ones_is_flat(world):
    y, p = world
    slope, intercept, error = calibration_line(y, p)
    assert abs(slope - 1) < 3 * error
    assert abs(intercept) < 0.15
    assert calibration_line(y, expit(2 * logit(p)))[0] == pytest.approx(slope / 2, abs=0.02)


def test_calibration_error_is_within_its_noise_when_calibrated_and_beyond_when_shifted(world):
    y, p = world
    noise = calibration_error_noise(p)
    assert calibration_error(y, p) < noise
    assert calibration_error(y, expit(logit(p) + 0.5)) > noise


def test_groups_keep_ties_together_and_are_equal_in_size():
    assert set(groups(np.full(10, 0.5))) == {0}
    assert np.bincount(groups(np.arange(100) / 100)).tolist() == [10] * 10


def test_lift_of_a_perfect_ranking_is_the_inverse_rate():
    y = np.array([1.0] * 2 + [0.0] * 18)
    assert lift(y, y + 0.0, 0.1) == pytest.approx(10)


def test_a_paired_bootstrap_sees_a_difference_that_is_there_and_none_that_is_not(world):
    y, p = world
    worse = expit(logit(p) + np.random.default_rng(5).normal(0, 1, len(y)))
    same = paired_bootstrap(y, p, p, seed=1, draws=50)
    apart = paired_bootstrap(y, worse, p, seed=1, draws=200)
    assert same["auc"].low == same["auc"].high == 0
    assert apart["auc"].high < 0 < apart["log_loss"].low
    assert apart == paired_bootstrap(y, worse, p, seed=1, draws=200)
