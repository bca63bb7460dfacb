"""From our features to the models' numbers and back to columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ml.btyd.columns import COLUMNS, columns, columns_of_snapshots, fit_on
from ml.btyd.mbg_nbd import MbgNbd
from ml.btyd.statistics import Statistics, from_snapshot, spend_from_snapshot
from ml.snapshots import Snapshots

NAMES = ("days_since_last_order", "spend_365d", "days_since_first_order", "order_gap_mean_days", "order_days_365d")
NAN = np.nan


def matrix(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, np.float32)


def ordered_on(*ages: float) -> tuple[float, ...]:
    """The features of a customer who ordered on these days, newest first, at 10 each."""
    gap = (ages[-1] - ages[0]) / (len(ages) - 1) if len(ages) > 1 else NAN
    recent = sum(age <= 365 for age in ages)
    return ages[0], 10.0 * recent, ages[-1], gap, recent


def test_frequency_follows_from_the_mean_gap_also_of_days_beyond_the_year() -> None:
    X = matrix(ordered_on(1), ordered_on(10, 100), ordered_on(3, *range(10, 731, 3)), ordered_on(700, 701, 703, 729))
    stats, has_ordered = from_snapshot(X, NAMES)
    assert has_ordered.all()
    assert stats.frequency.tolist() == [0, 1, 241, 3]
    assert stats.recency.tolist() == [0, 90, 727, 29]
    assert stats.age.tolist() == [0.5, 99.5, 729.5, 728.5], "an order of yesterday is half a day old at midnight"


def test_who_has_not_ordered_has_no_statistics() -> None:
    stats, has_ordered = from_snapshot(matrix((NAN, 0, NAN, NAN, 0), ordered_on(5, 9)), NAMES)
    assert has_ordered.tolist() == [False, True]
    assert stats.frequency.tolist() == [1]


def test_features_that_lack_a_column_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="order_gap_mean_days"):
        from_snapshot(np.ones((1, 2), np.float32), ("days_since_last_order", "days_since_first_order"))
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


def shop(seed: int, customers: int = 60) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return matrix(*(ordered_on(*np.unique(rng.integers(1, 400, rng.integers(1, 8)))) for _ in range(customers)))


def snapshots(*parts: np.ndarray) -> Snapshots:
    rows = [len(part) for part in parts]
    return Snapshots(
        names=NAMES,
        targets=("has_churned",),
        X=np.concatenate(parts),
        Y=np.zeros((sum(rows), 1)),
        day=np.repeat(np.arange(len(parts), dtype=np.int32) * 30, rows),
        hashed=np.arange(sum(rows)),
    )


def test_columns_say_what_the_model_says_and_nothing_of_who_has_not_ordered() -> None:
    X = np.vstack([shop(1), matrix((NAN, 0, NAN, NAN, 0))])
    model = fit_on(MbgNbd, X, NAMES)
    told = columns(model, X, NAMES, 30)
    stats, _ = from_snapshot(X, NAMES)
    assert np.isnan(told[-1]).all()
    assert told[:-1, COLUMNS.index("btyd_p_active")] == pytest.approx(model.p_active(stats, 30))
    assert told[:-1, COLUMNS.index("btyd_expected_purchases")] == pytest.approx(model.expected_purchases(stats, 30))
    assert told[:-1, COLUMNS.index("btyd_lifetime_days")] == pytest.approx(model.expected_lifetime_days(stats))


def test_what_other_as_ofs_know_changes_no_column_of_an_as_of() -> None:
    one, other, changed = shop(1), shop(2), shop(3)
    told = columns_of_snapshots(MbgNbd, snapshots(one, other), 30)
    after = columns_of_snapshots(MbgNbd, snapshots(one, changed), 30)
    assert (told[:60] == after[:60]).all()
    assert (told[60:] != after[60:]).any()
    alone = replace(snapshots(one), hashed=np.arange(60))
    assert (columns_of_snapshots(MbgNbd, alone, 30) == told[:60]).all()
