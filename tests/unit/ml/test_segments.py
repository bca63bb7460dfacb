"""Segments told from features, over several dates."""

from dataclasses import replace

import numpy as np

from ml.segments import HOLDOUT, LEAST_IN_SEGMENT, segments_of
from ml.snapshots import Snapshots
from ml.treatments.record import NONE, Treatments


def rows(days_since_first: np.ndarray, day: int) -> Snapshots:
    count = len(days_since_first)
    X = np.column_stack([days_since_first, np.zeros(count)]).astype(np.float32)
    return Snapshots(
        ("days_since_first_order", "visits"), ("y",), X, np.zeros((count, 1)), np.full(count, day, np.int32),
        np.arange(count, dtype=np.int64),
    )  # fmt: skip


def test_a_segment_holds_its_rows_of_every_date_and_nobody_of_whom_nothing_is_known():
    days = np.repeat([10.0, 400.0, np.nan], LEAST_IN_SEGMENT)
    found = segments_of([rows(days, 1), rows(days + 100, 2)])
    assert set(found) == {"new customers"}, "the others' features are not there"
    assert found["new customers"].sum() == LEAST_IN_SEGMENT
    assert found["new customers"][:LEAST_IN_SEGMENT].all()


def test_too_few_customers_are_no_segment_however_many_dates_they_stand_in():
    days = np.full(LEAST_IN_SEGMENT - 1, 10.0)
    assert segments_of([rows(days, 1), rows(days, 2)]) == {}


def test_the_holdout_is_a_segment_once_it_is_large_enough():
    test = rows(np.full(3 * LEAST_IN_SEGMENT, np.nan), 1)
    none = np.full(len(test), NONE, np.int16)
    for held_out, expected in ((LEAST_IN_SEGMENT, {HOLDOUT}), (LEAST_IN_SEGMENT - 1, set())):
        inside = np.arange(len(test)) < held_out
        done = Treatments(("call",), none, none, np.full(len(test), np.nan), inside, test.Y)
        found = segments_of([replace(test, treatments=done)] * 2)
        assert set(found) == expected
    assert segments_of([test]) == {}
