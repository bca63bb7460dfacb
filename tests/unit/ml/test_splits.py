import itertools
from datetime import date, timedelta

from ml.splits import (
    HASH_SPACE,
    Outcome,
    customer_fold,
    customer_hash,
    sample_limit,
    snapshot_dates,
)

QUARTER = Outcome(horizon_days=90, label_delay_days=7)
AS_OF = date(2011, 9, 9)


def test_the_newest_snapshot_is_the_last_whose_outcome_is_known_with_its_delay():
    assert snapshot_dates(AS_OF, QUARTER, step_days=30, count=16)[-1] == date(2011, 6, 4)


def test_snapshots_step_back_evenly_and_come_ascending():
    dates = snapshot_dates(AS_OF, QUARTER, step_days=30, count=16)
    assert len(dates) == 16
    assert {later - earlier for earlier, later in itertools.pairwise(dates)} == {timedelta(30)}


def test_snapshots_begin_one_horizon_after_the_first_activity():
    dates = snapshot_dates(AS_OF, QUARTER, step_days=30, count=16, first_date=date(2011, 1, 1))
    assert dates[0] == date(2011, 4, 5)


def test_a_shop_without_a_finished_horizon_has_no_snapshots():
    assert snapshot_dates(AS_OF, QUARTER, step_days=30, count=16, first_date=date(2011, 7, 1)) == ()


def test_no_horizon_reaches_beyond_what_has_landed() -> None:
    """A feed that stopped made everybody silent: its last months would teach that all have left."""
    usual = snapshot_dates(AS_OF, QUARTER, step_days=30, count=16)
    assert snapshot_dates(AS_OF, QUARTER, step_days=30, count=16, last_date=AS_OF - timedelta(1)) == usual
    stopped = snapshot_dates(AS_OF, QUARTER, step_days=30, count=16, last_date=date(2011, 7, 31))
    assert stopped[-1] + timedelta(QUARTER.horizon_days) == date(2011, 8, 1)


def test_a_label_known_one_day_too_late_is_not_learned_from():
    day = date(2011, 6, 4)
    just_known, too_late = day - timedelta(97), day - timedelta(96)
    assert QUARTER.known_at([just_known, too_late], day) == (just_known,)


def test_about_the_wanted_number_of_customers_is_sampled_and_the_folds_do_not_follow_the_sample():
    hashes = [customer_hash(f"c_{n}") for n in range(4000)]
    sampled = [h for h in hashes if h < sample_limit(4000, 1000)]
    assert sample_limit(10, 1000) == HASH_SPACE
    assert 900 < len(sampled) < 1100
    folds = [customer_fold(h, 4) for h in sampled]
    assert all(0.2 < folds.count(f) / len(folds) < 0.3 for f in range(4))
