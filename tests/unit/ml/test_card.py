"""The page that every registered model carries, and the curves on it."""

import numpy as np
import pytest

from ml.card import card
from ml.dependence import POINTS, dependences
from ml.figures import dependence


def test_the_card_says_what_it_is_for_where_it_is_weak_and_how_it_was_judged():
    page = card(
        "churn",
        {"as_of": "2025-07-01", "horizon_days": 90},
        {"auc": 0.8123, "log_loss": 0.51, "rows": 12000.0, "recency/auc": 0.7, "new customers/auc": 0.66},
        {"snapshots": ["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01"], "rows": 12000},
        {"inputs_id": "abc"},
        "promoted: there is no champion yet",
    )
    assert page.startswith("# churn, as of 2025-07-01")
    assert "not who would stay because of a message" in page
    assert "of a few, or without `as_of`, it is that of the as-of this model was trained at" in page
    assert "- snapshots: 2024-01-01 … 2024-04-01 (4)" in page
    assert "| metric | model | new customers | recency |" in page
    assert "| auc | 0.8123 | 0.6600 | 0.7000 |" in page
    assert "| rows | 12,000 |  |  |" in page
    assert "promoted: there is no champion yet" in page
    assert "inputs id: abc" in page


def test_a_curve_follows_what_a_feature_adds_and_names_nobody():
    rng = np.random.default_rng(4)
    X = rng.uniform(0, 10, (1000, 3)).astype(np.float32)
    X[::4, 0] = np.nan
    added = np.stack([np.where(np.isnan(X[:, 0]), -2.0, 0.5 * X[:, 0]), 0.1 * rng.normal(size=1000), np.zeros(1000)])
    first, second = dependences(X, added, ("recency", "visits", "nothing"))
    assert (first.feature, second.feature) == ("recency", "visits"), "what moves nothing is not shown"
    assert len(first.values) == POINTS
    assert first.mean == pytest.approx(0.5 * first.values, abs=0.01)
    assert first.unknown == pytest.approx(-2.0)
    assert np.isnan(second.unknown)
    assert (second.low < second.mean).all()
    assert len(dependence((first, second), "the log-odds").axes) == 6
