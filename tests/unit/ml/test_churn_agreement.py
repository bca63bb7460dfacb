"""Quick reasons against exact ones, on pushes whose agreement is known."""

from dataclasses import asdict, replace
from datetime import date

import numpy as np
import pytest

from ml.booster import Recipe, fit_trees
from ml.churn.agreement import agreement, compared
from ml.churn.model import ChurnModel
from ml.linear import fit_logistic
from ml.shapley.saabas import along_paths

NAMES = ("days_since_last_order", "orders_90d", "orders_180d", "sessions_30d", "spend_90d")
EXACT = np.array([[0.5, 0.1, 0.2, -0.1, 0.0], [0.5, 0.1, 0.2, -0.1, 0.0], [0.5, 0.1, 0.2, -0.1, 0.0], [0.0] * 5]).T


def test_the_same_pushes_agree_in_everything():
    assert asdict(compared(EXACT, EXACT, NAMES)) == {"top1": 1.0, "top3": 1.0, "sign_flips": 0.0}


def test_shares_are_of_customers_and_of_published_reasons():
    quick = EXACT.copy()
    quick[:, 0] = [0.2, 0.1, 0.4, -0.1, 0.0]  # the same three in another order
    quick[:, 1] = [0.5, -0.1, -0.2, -0.1, 0.0]  # orders moved the other way: one of nine reasons
    found = compared(EXACT, quick, NAMES)
    assert (found.top1, found.top3, found.sign_flips) == (0.75, 0.75, pytest.approx(1 / 9))


def test_a_theme_that_did_not_move_at_all_is_no_flip():
    assert compared(EXACT, np.zeros_like(EXACT), NAMES).sign_flips == 0


def test_without_reasons_there_is_nothing_to_agree_on():
    assert np.isnan(compared(np.zeros((5, 2)), EXACT[:, :2], NAMES).top1)


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(3)
    X = rng.poisson(3, (1500, 5)).astype(np.float32)
    y = (rng.random(1500) < 1 / (1 + np.exp(-(X[:, 0] - X[:, 1] * (X[:, 2] > 2))))).astype(float)
    trees = fit_trees(X, y, NAMES, Recipe(rounds=15), seed=1, threads=1)
    logistic = fit_logistic(X, y, np.arange(1500))
    day = date(2024, 1, 1)
    return X, ChurnModel(NAMES, trees, logistic, (1.0, 0.0), None, 0.0, 0.0, (day,), {day: 0.0}, 0.5)


def test_path_contributions_add_up_to_the_margin(model):
    X, kept = model
    rest = kept.trees.margin(X, 1) - along_paths(kept.trees.booster, X, 1).sum(axis=0)
    assert np.ptp(rest) < 1e-4  # LightGBM keeps the values of inner nodes in six digits


def test_a_regression_alone_has_one_way_only_and_a_blend_is_nearer_to_it_than_trees_alone(model):
    X, kept = model
    alone, blend, regression = (agreement(replace(kept, weights=(1 - share, share)), X) for share in (0.0, 0.5, 1.0))
    assert (regression.top1, regression.top3, regression.sign_flips) == (1.0, 1.0, 0.0)
    assert alone.top3 < blend.top3 < 1
    assert set(alone.as_metrics()) == {"reasons_agreement_top1", "reasons_agreement_top3", "reasons_sign_flips"}
