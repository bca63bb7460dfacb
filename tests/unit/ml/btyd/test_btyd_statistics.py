"""From our features to the models' numbers."""

from __future__ import annotations

import numpy as np
import pytest

from ml.btyd.statistics import Statistics, spend_from_snapshot

NAMES = ("days_since_last_order", "spend_365d", "days_since_first_order", "order_gap_mean_days", "order_days_365d")
NAN = np.nan


def matrix(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_features_that_lack_a_column_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="spend_365d"):
        spend_from_snapshot(np.ones((1, 1), np.float32), ("order_days_365d",))


def test_spend_is_that_of_a_day_with_an_order() -> None:
    X = matrix((1, 30.0, 200, 50, 4), (NAN, NAN, NAN, NAN, NAN), (400, 0, 500, 100, 0))
    days, value = spend_from_snapshot(X, NAMES)
    assert days.tolist() == [4, 0, 0]
    assert value.tolist() == [7.5, 0, 0]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ((1, 5, 4), "after the as-of"),
        ((0, 2, 9), "recency of 0"),
        ((-1, 0, 9), "from 0 on"),
        ((1, NAN, 9), "from 0 on"),
    ],
)
def test_impossible_customers_are_refused(row: tuple[float, float, float], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Statistics(*np.array([row], float).T)


def test_equal_customers_are_one_kind() -> None:
    stats = Statistics(np.array([1.0, 0, 1, 1]), np.array([3.0, 0, 3, 3]), np.array([9.0, 9, 9, 8]))
    kinds, kind = stats.kinds()
    assert kinds.age.tolist() == [9, 8, 9]
    assert kind.tolist() == [2, 0, 2, 1]
    assert kinds.rows(kind).age.tolist() == stats.age.tolist()
