"""Every date is judged by what was known then."""

from datetime import date, timedelta

import numpy as np
import pytest

from ml.rolling import by_customers, judged, origins
from ml.snapshots import Snapshots, day_number
from ml.splits import Outcome

OUTCOME = Outcome(horizon_days=30, label_delay_days=5)
DATES = [date(2024, 1, 1) + timedelta(20 * k) for k in range(6)]


def rows(dates, customers=8):
    day = np.repeat([day_number(day) for day in dates], customers).astype(np.int32)
    hashed = np.tile(np.arange(customers, dtype=np.int64) * 7919, len(dates))
    return Snapshots(("x",), ("y",), np.zeros((len(day), 1), np.float32), np.zeros((len(day), 1)), day, hashed)


def never(_):
    return None


def without_rows(data):
    return None if len(data) else "nothing known"


def test_a_date_is_judged_by_nothing_whose_outcome_was_due_after_it():
    for origin in origins(rows(DATES), OUTCOME, without_rows):
        assert all(day + timedelta(35) <= origin.date for day in origin.known.dates)
        assert origin.test.dates == (origin.date,)


def test_the_newest_dates_are_taken_and_those_at_which_too_little_was_known_are_not():
    data = rows(DATES)
    assert [origin.date for origin in origins(data, OUTCOME, without_rows)] == DATES[2:]
    assert [origin.date for origin in origins(data, OUTCOME, without_rows, most=2)] == DATES[-2:]
    assert origins(rows(DATES[:2]), OUTCOME, without_rows) == []


def test_where_time_is_short_nobody_is_learned_from_and_judged():
    origin = by_customers(rows(DATES[:2]), 1)
    assert set(origin.known.hashed).isdisjoint(origin.test.hashed)
    assert len(origin.test)
    assert origin.test.dates == (DATES[1],)


def test_who_says_nothing_of_a_date_is_silent_in_its_rows_and_compared_on_the_others():
    one, two = rows(DATES[:1]), rows(DATES[1:2])
    said = [{"model": np.full(8, 0.2)}, {"model": np.full(8, 0.3), "champion": np.full(8, 0.4)}]
    found = judged([one, two], [np.zeros(8), np.ones(8)], said)
    assert found.dates == (DATES[0], DATES[1])
    assert np.isnan(found.said["champion"][:8]).all()
    assert found.where("champion").dates == (DATES[1],)
    assert found.at(DATES[1]).y.tolist() == [1.0] * 8
    assert found.customers.tolist() == [*one.hashed, *two.hashed]


def test_a_customer_drawn_is_drawn_with_all_dates():
    from ml.bootstrap import paired_bootstrap

    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200).astype(float)
    good, bad = np.clip(y * 0.4 + rng.random(200) * 0.5, 0.01, 0.99), rng.random(200)
    once = paired_bootstrap(y, good, bad, seed=1)["auc"]
    copied = [np.tile(part, 9) for part in (y, good, bad)]
    as_one = paired_bootstrap(*copied, seed=1, customers=np.tile(np.arange(200), 9))["auc"]
    apart = paired_bootstrap(*copied, seed=1)["auc"]
    assert as_one.high - as_one.low == pytest.approx(once.high - once.low, rel=0.05)
    assert apart.high - apart.low < 0.6 * (once.high - once.low), "nine copies are no nine times the evidence"
