"""Each figure of performance beside the noise that chance explains: held against worlds drawn again and again."""

import numpy as np
import pytest

from ml.amounts import gini, total_bias, total_bias_error
from ml.bootstrap import gini_error
from ml.drift.judged import Judged, Realised, judge_amounts, judge_probabilities
from ml.evaluation import auc, auc_error

DRAWS = 300


def churning(rng: np.random.Generator, customers: int = 400) -> tuple[np.ndarray, np.ndarray]:
    p = rng.beta(2, 3, customers)
    return (rng.random(customers) < p).astype(float), p


def churning_with_plays(rng: np.random.Generator, customers: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Nine of ten who stayed were treated: without plays a fifth of each would have left."""
    y, p = churning(rng, customers)
    return np.where((y == 0) & (rng.random(customers) < 0.9), 0.2, y), p


def spending(rng: np.random.Generator, customers: int = 400) -> tuple[np.ndarray, np.ndarray]:
    p = rng.gamma(2.0, 20.0, customers)
    return p * rng.gamma(1.0, 1.0, customers), p


@pytest.mark.parametrize(
    ("world", "figure", "error"),
    [
        (churning, auc, auc_error),
        (churning_with_plays, auc, auc_error),
        (spending, gini, lambda y, p: gini_error(y, p, seed=0)),
        (spending, total_bias, total_bias_error),
    ],
    ids=["auc", "auc of shares", "gini", "total bias"],
)
def test_the_error_of_a_figure_is_its_spread_over_worlds(world, figure, error) -> None:
    rng = np.random.default_rng(5)
    spread = np.std([figure(*world(rng)) for _ in range(DRAWS)])
    said = np.mean([error(*world(rng)) for _ in range(10)])
    assert said == pytest.approx(spread, rel=0.15)


def test_probabilities_are_judged_with_the_blind_estimate_beside_what_happened() -> None:
    y, p = churning(np.random.default_rng(6), 4_000)
    judged = judge_probabilities(y, p)
    assert judged.ranking == auc(y, p)
    assert judged.level < judged.level_noise
    assert judged.further["estimated_auc_if_calibrated"] == pytest.approx(judged.ranking, abs=0.02)
    assert judge_probabilities(y, p / 2).level > judged.level_noise


def test_amounts_are_judged_by_gini_and_total() -> None:
    y, p = spending(np.random.default_rng(7), 4_000)
    judged, half = judge_amounts(y, p), judge_amounts(y, p / 2)
    assert abs(judged.level) < judged.level_noise
    assert half.ranking == judged.ranking
    assert half.level < -half.level_noise


def test_what_cannot_be_told_is_null_on_disk_and_no_number_again() -> None:
    from datetime import date

    judged = judge_probabilities(np.ones(3), np.full(3, 0.5))
    assert np.isnan(judged.ranking)
    content = Realised(date(2025, 1, 1), "i", "demo.churn/1", judged).to_json()
    assert content["ranking"] is None
    back = Realised.from_json(content)
    assert (back.as_of, back.version, back.judged.customers) == (date(2025, 1, 1), "demo.churn/1", 3)
    assert np.isnan(back.judged.ranking)
    assert isinstance(back.judged, Judged)
