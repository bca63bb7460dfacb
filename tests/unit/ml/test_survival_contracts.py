"""Lifetimes of contracts whose law is known: censoring, the calendar, the rule of time, files."""

from dataclasses import replace
from datetime import date, timedelta

import contract_world
import numpy as np
import pandas as pd
import pytest
from contract_world import AS_OF, ENGINE, NAMES, OUTCOME, scored, true_days, watched, write_world

from ml.booster import Recipe
from ml.churn.calibration import Level
from ml.churn.training import TrainingPlan
from ml.engine import Engine
from ml.model import ModelFileError
from ml.snapshots import Snapshots, day_number
from ml.survival.contracts import ContractLifetimes, fit_contract_lifetimes
from ml.survival.lifetimes import CAP_DAYS
from ml.survival.periods import CALENDAR, TARGETS, at_period, person_periods
from ml.survival.training import CHECKED_DAYS, happened_days, known_at, learn

RECIPE, QUICK = Recipe(), Recipe(rounds=40)
PLAN = TrainingPlan(AS_OF, OUTCOME, recipe=QUICK)
NOBODY = np.zeros(1, bool)


def rows_of(*courses: tuple[float, bool], day: date = date(2024, 1, 1)) -> Snapshots:
    """A customer for each course: periods watched, and whether the contract then ended."""
    X = np.tile(np.array([1, 100, 10, 30, 0.5, 0], np.float32), (len(courses), 1))
    n = len(courses)
    return Snapshots(NAMES, TARGETS, X, np.array(courses, float), np.full(n, day_number(day), np.int32), np.arange(n))


@pytest.fixture(scope="module")
def model() -> ContractLifetimes:
    found = fit_contract_lifetimes(person_periods(watched(2500)), RECIPE, seed=7, threads=1)
    assert found is not None
    return found


def days_of(model: ContractLifetimes, X: np.ndarray, leaving: np.ndarray | None = None) -> np.ndarray:
    return model.days(X, np.zeros(len(X), bool) if leaving is None else leaving)


def test_who_stays_adds_periods_and_no_end_and_who_leaves_ends_in_the_last() -> None:
    found = person_periods(rows_of((3, False), (2, True), (1, True)))
    told = sorted(zip(found.hashed.tolist(), found.column(CALENDAR[0]).tolist(), found.y.tolist(), strict=True))
    assert told == [(0, 0, 0), (0, 1, 0), (0, 2, 0), (1, 0, 0), (1, 1, 1), (2, 0, 1)]
    assert np.array_equal(found.day, np.sort(found.day))
    assert found.day.tolist() == [day_number(date(2024, 1, 1)) + 30 * int(k) for k in found.column(CALENDAR[0])]


def test_the_calendar_of_a_period_is_known_before_it_begins() -> None:
    X = np.array([[1, 100, 40, 365, 0, 0], [1, 100, 10, 30, 0, 0], [1, 100, np.nan, 30, 0, 0]], np.float32)
    ahead = {k: at_period(X, NAMES, np.full(3, k))[:, -4:] for k in (0, 1, 2, 13)}
    assert ahead[0][0].tolist() == [0, 100, 40, 0]
    assert ahead[1][0].tolist() == [1, 130, 10, 1]
    assert ahead[2][0].tolist() == [2, 160, 345, 0], "a year after it was renewed"
    assert ahead[13][0].tolist() == [13, 490, 15, 1]
    assert all(ahead[k][1, 2:].tolist() == [10, 1] for k in ahead)
    assert np.isnan(ahead[1][2, 2:]).all()


def test_nothing_that_was_not_known_on_a_day_is_learned_from_on_it() -> None:
    day = date(2024, 1, 1) + timedelta(60 + OUTCOME.label_delay_days)
    later, earlier = rows_of((9, False), (3, True), (2, True)), rows_of((2, False), (2, False), (2, True))
    known = [known_at(person_periods(rows), day, OUTCOME) for rows in (later, earlier)]
    assert known[0].content_hash == known[1].content_hash
    assert len(known_at(person_periods(later), day - timedelta(1), OUTCOME)) == 3


def test_lifetimes_are_those_of_the_law(model: ContractLifetimes) -> None:
    """Two thirds of the contracts were still running when the watching ended."""
    X = scored(3000, seed=5)
    for period in (30, 365):
        own = X[X[:, NAMES.index("contract_period_days")] == period]
        for cap, tolerance in ((360, 0.06), (CAP_DAYS, 0.15)):
            expected, true = model.expected_days(own, cap), true_days(own, cap)
            fifth = np.argsort(np.argsort(true, kind="stable")) * 5 // len(own)
            assert expected.mean() == pytest.approx(true.mean(), rel=tolerance), (period, cap)
            for number in range(5):
                told = fifth == number
                assert expected[told].mean() == pytest.approx(true[told].mean(), rel=2 * tolerance), (
                    period,
                    cap,
                    number,
                )


def test_who_is_likelier_to_leave_within_the_horizon_has_less_to_go(model: ContractLifetimes) -> None:
    X = scored(2000, seed=6)
    monthly = X[X[:, NAMES.index("contract_period_days")] == 30]
    ranks = [np.argsort(np.argsort(v)) for v in (1 - model.ends_within(monthly, 60), days_of(model, monthly))]
    assert np.corrcoef(*ranks)[0, 1] > 0.9


def test_an_end_within_the_horizon_is_the_end_of_whole_periods_and_parts_of_one(model: ContractLifetimes) -> None:
    X = scored(500, seed=6)
    curve = list(model.survival(X, 90))
    assert len(curve) == 4
    assert np.allclose(model.ends_within(X, 60), 1 - curve[2])
    assert np.allclose(1 - model.ends_within(X, 75), np.sqrt(curve[2] * curve[3]))


class Asked:
    """Takes the place of a hazard and keeps which periods ahead it was asked of."""

    names = (*NAMES, *CALENDAR)

    def __init__(self) -> None:
        self.calendar: list[list[float]] = []

    def predict(self, X: np.ndarray, names: tuple[str, ...], level: Level, *, threads: int) -> np.ndarray:
        assert (names, level, threads) == (self.names, Level(), 1)
        self.calendar.append(X[0, -4:].tolist())
        return np.full(len(X), 0.5)


def test_beyond_the_farthest_period_that_was_watched_the_contract_grows_older_and_nothing_else() -> None:
    hazard = Asked()
    *_, last = ContractLifetimes(hazard, farthest=1).survival(rows_of((1, True)).X, 120)  # type: ignore[arg-type]
    assert hazard.calendar == [[0, 100, 10, 1], [1, 130, 10, 1], [1, 160, 10, 1], [1, 190, 10, 1]]
    assert last.tolist() == [1 / 16]
    assert ContractLifetimes(hazard, 1).expected_days(rows_of((1, True)).X, 45).tolist() == [22.5 + 6.5625]  # type: ignore[arg-type]


def test_a_bound_contract_lasts_until_it_renews_one_under_notice_no_longer_and_none_not_at_all(
    model: ContractLifetimes,
) -> None:
    bound = np.array([[1, 65, 300, 365, 0.01, 0]], np.float32)
    assert 290 < days_of(model, bound)[0] < CAP_DAYS
    assert days_of(model, bound, ~NOBODY)[0] == 300
    ended = bound * np.array([0, np.nan, np.nan, np.nan, 1, 1], np.float32)
    assert days_of(model, ended).tolist() == [0]
    unknown = bound.copy()
    unknown[0, 2] = np.nan
    assert np.isnan(days_of(model, unknown, ~NOBODY)).all(), "under notice, and nobody knows for when"
    assert (days_of(model, scored(500)) <= CAP_DAYS).all()


def test_kept_and_read_again_it_says_the_same_and_half_a_model_is_refused(model, tmp_path) -> None:
    X = scored(300)
    assert np.array_equal(days_of(ContractLifetimes.load(model.save(tmp_path)), X), days_of(model, X))
    (tmp_path / "lifetimes.json").unlink()
    with pytest.raises(ModelFileError, match="holds no whole model of lifetimes"):
        ContractLifetimes.load(tmp_path)


def test_where_hardly_a_contract_has_ended_nothing_is_learned() -> None:
    rows = watched(400)
    few = replace(rows, Y=np.column_stack([rows.Y[:, 0], np.zeros(len(rows))]))
    assert fit_contract_lifetimes(person_periods(few), QUICK, seed=7, threads=1) is None


def test_a_training_holds_an_earlier_model_against_what_then_happened(tmp_path) -> None:
    files = write_world(tmp_path, 600)
    found = learn(files, NAMES, PLAN, ENGINE)
    assert found is not None
    check = found.check
    assert check is not None
    assert check.date + timedelta(CHECKED_DAYS + OUTCOME.label_delay_days) <= AS_OF
    assert check.expected_days == pytest.approx(check.happened_days, rel=0.08)
    two = learn(files, NAMES, PLAN, Engine(threads=2))
    assert two is not None
    assert two.model.hazard.trees.text == found.model.hazard.trees.text
    assert two.check == check


def test_what_happened_after_the_date_of_the_check_does_not_change_what_was_expected_on_it(tmp_path) -> None:
    files = write_world(tmp_path, 400)
    first = learn(files, NAMES, PLAN, ENGINE)
    labels = pd.read_parquet(files[1])
    later = labels["as_of_date"] >= first.check.date
    labels.loc[later, TARGETS[1]] = ~labels.loc[later, TARGETS[1]]
    labels.to_parquet(files[1], index=False)
    second = learn(files, NAMES, PLAN, ENGINE)
    assert second.check.happened_days != first.check.happened_days
    assert second.check.expected_days == first.check.expected_days


def test_a_recipe_tuned_on_later_outcomes_makes_no_model_of_an_earlier_date(tmp_path) -> None:
    files = write_world(tmp_path, 400)
    usual = learn(files, NAMES, replace(PLAN, recipe=RECIPE), ENGINE)
    day = usual.check.date
    later, known = (replace(PLAN, recipe_since=since) for since in (day + timedelta(1), day))
    assert learn(files, NAMES, later, ENGINE).check == usual.check
    assert learn(files, NAMES, known, ENGINE).check == learn(files, NAMES, PLAN, ENGINE).check != usual.check


def test_features_that_know_of_no_contract_and_labels_without_courses_teach_nothing(tmp_path) -> None:
    files = write_world(tmp_path, 200)
    assert learn(files, ("usage_share", "noise"), PLAN, ENGINE) is None
    pd.read_parquet(files[1]).drop(columns=list(TARGETS)).to_parquet(files[1], index=False)
    assert learn(files, NAMES, PLAN, ENGINE) is None


def test_days_with_a_contract_are_counted_until_the_middle_of_the_period_of_its_end() -> None:
    assert happened_days(rows_of((9, False), (3, True), (7, True)), 180).tolist() == [180, 75, 180]
    assert contract_world.true_days(scored(10), 180).max() <= 180
