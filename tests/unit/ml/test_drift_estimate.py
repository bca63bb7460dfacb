"""What probabilities alone can tell of their quality, and what they cannot."""

import numpy as np
import pytest

from ml.drift.estimate import if_calibrated
from ml.evaluation import auc, auc_error, lift, log_loss

P = np.random.default_rng(1).beta(1.5, 3.0, 20_000)


def test_the_expected_auc_of_two_customers_is_worked_by_hand() -> None:
    """The pair is right by .8 x .7 and wrong by .3 x .2."""
    assert if_calibrated(np.array([0.8, 0.3])).auc == pytest.approx(0.56 / 0.62)


def test_in_a_calibrated_world_the_estimate_is_what_happens() -> None:
    y = (np.random.default_rng(2).random(len(P)) < P).astype(float)
    estimate = if_calibrated(P)
    assert estimate.auc == pytest.approx(auc(y, P), abs=2 * auc_error(y, P))
    assert estimate.log_loss == pytest.approx(log_loss(y, P), abs=0.01)
    assert estimate.rate == pytest.approx(y.mean(), abs=0.01)
    assert estimate.lift_top_decile == pytest.approx(lift(y, P, 0.1), rel=0.05)


def test_it_follows_a_change_in_who_the_customers_are() -> None:
    """Of customers who are all alike nobody can be told apart, and the estimate says so at once."""
    alike = np.random.default_rng(3).uniform(0.28, 0.32, 5_000)
    assert if_calibrated(alike).auc < 0.55 < if_calibrated(P).auc


def test_it_is_blind_to_concept_drift() -> None:
    """The same customers with the same scores now do the opposite, and the estimate still promises what was."""
    rng = np.random.default_rng(4)
    as_before, the_opposite = ((rng.random(len(P)) < p).astype(float) for p in (P, 1 - P))
    estimate = if_calibrated(P).auc
    assert estimate - auc(as_before, P) == pytest.approx(0, abs=0.01)
    assert estimate - auc(the_opposite, P) > 0.4


def test_each_figure_is_named_for_what_it_takes_for_granted() -> None:
    assert set(if_calibrated(P).as_dict()) == {
        f"estimated_{name}_if_calibrated" for name in ("auc", "log_loss", "rate", "lift_top_decile")
    }


def test_nobody_and_certainty_give_no_estimate_and_no_error() -> None:
    assert np.isnan(if_calibrated(np.empty(0)).auc)
    assert np.isnan(if_calibrated(np.ones(3)).auc)
