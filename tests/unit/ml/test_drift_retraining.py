"""Every ground for training again, alone: a model of which nothing is wrong, and one thing that goes wrong."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from ml.drift.judged import Judged, Realised
from ml.drift.reference import Reference
from ml.drift.retraining import APART_DAYS, CHURN, PAUSE_DAYS, VALUE, Measures, Request, reasons
from ml.drift.stability import Distribution, Shift

TRAINED = date(2025, 3, 1)
LEARNED = TRAINED - timedelta(97)
AS_OF = TRAINED + timedelta(60)
GOOD = Judged(2_000, 0.5, 0.5, ranking=0.80, ranking_error=0.01, level=0.01, level_noise=0.03)
NOTHING = Distribution((), (0.0, 1.0), 2_000)
REFERENCE = Reference(
    TRAINED, (LEARNED,), dict.fromkeys(("orders", "visits"), NOTHING), {"orders": 0.3, "visits": 0.1},
    NOTHING, LEARNED, GOOD,
)  # fmt: skip
STILL, MOVED = Shift(0.05, 0.01, 0.02), Shift(0.4, 0.01, 0.02)
SHIFTS = {"orders": STILL, "visits": STILL}


def realised(days_after_learning: int, **changed: float) -> Realised:
    return Realised(LEARNED + timedelta(days_after_learning), "i", "shop.churn/1", replace(GOOD, **changed))


def asked(
    as_of: date = AS_OF, shifts: dict[str, Shift] = SHIFTS, score: Shift = STILL, *outcomes: Realised,
    measures: Measures = CHURN,
) -> str:  # fmt: skip
    return "; ".join(reasons(as_of, REFERENCE, shifts, score, outcomes, measures))


def test_a_young_model_of_which_nothing_is_wrong_asks_for_nothing() -> None:
    assert asked(AS_OF, SHIFTS, STILL, realised(1), realised(40)) == ""


@pytest.mark.parametrize(("age", "is_asked"), [(89, False), (90, True), (400, True)])
def test_ninety_days_after_its_training_a_model_asks_for_another(age: int, is_asked: bool) -> None:
    said = asked(TRAINED + timedelta(age))
    assert said == (f"it was trained {age} days ago, the limit is 90" if is_asked else "")


@pytest.mark.parametrize(
    ("ranking", "error", "is_asked"),
    [(0.70, 0.01, True), (0.785, 0.0001, False), (0.74, 0.05, False)],
    ids=["lost", "certain, and no loss worth a word", "within noise"],
)
def test_a_ranking_lost_beyond_noise_is_a_ground(ranking: float, error: float, is_asked: bool) -> None:
    reference = replace(REFERENCE, backtest=replace(GOOD, ranking_error=error))
    outcome = realised(30, ranking=ranking, ranking_error=error)
    said = "; ".join(reasons(AS_OF, reference, SHIFTS, STILL, [outcome], CHURN))
    assert bool(said) == is_asked
    assert not is_asked or said.startswith("AUC 0.700 of shop.churn/1 on the 2,000 customers of")


def test_only_the_newest_outcome_speaks_of_the_ranking() -> None:
    assert asked(AS_OF, SHIFTS, STILL, realised(2, ranking=0.6), realised(3)) == ""


def test_outcomes_that_the_model_has_learned_from_are_no_ground_any_more() -> None:
    """Whoever scored them: the model was trained, and judged by the gate, on just these."""
    assert asked(AS_OF, SHIFTS, STILL, realised(0, ranking=0.6)) == ""


@pytest.mark.parametrize(
    ("days", "is_asked"), [((1,), False), ((1, 2), False), ((1, 1 + APART_DAYS), True)],
    ids=["once", "twice within the same weeks", "twice, weeks apart"],
)  # fmt: skip
def test_a_level_missed_twice_is_a_ground(days: tuple[int, ...], is_asked: bool) -> None:
    assert bool(asked(AS_OF, SHIFTS, STILL, *(realised(day, level=0.06) for day in days))) == is_asked


def test_a_level_within_its_noise_or_tolerance_is_none() -> None:
    for changed in ({"level": 0.06, "level_noise": 0.07}, {"level": 0.015, "level_noise": 0.001}):
        assert asked(AS_OF, SHIFTS, STILL, realised(1, **changed), realised(40, **changed)) == ""


def test_a_total_too_low_counts_as_one_too_high_does() -> None:
    low = {"level": -0.35, "level_noise": 0.1}
    assert "total bias -0.350 at" in asked(
        AS_OF, SHIFTS, STILL, realised(1, **low), realised(40, **low), measures=VALUE
    )


def test_an_outcome_of_which_nothing_could_be_told_is_no_ground() -> None:
    nan = float("nan")
    assert asked(AS_OF, SHIFTS, STILL, *(realised(d, ranking=nan, ranking_error=nan, level=nan) for d in (1, 40))) == ""
    assert asked(AS_OF, SHIFTS, STILL, realised(1, ranking=0.5, ranking_error=nan)) == ""


def test_moved_scores_are_a_ground() -> None:
    assert asked(AS_OF, SHIFTS, MOVED) == "its scores moved: PSI 0.40, chance alone up to 0.02"


def test_moved_features_are_a_ground_where_the_model_rests_on_them() -> None:
    assert asked(AS_OF, {"orders": MOVED, "visits": STILL}) == "features that carry 30% of its gain moved: orders"
    assert asked(AS_OF, {"orders": STILL, "visits": MOVED}) == ""


def test_a_backfill_of_what_lies_before_the_training_asks_for_nothing() -> None:
    assert asked(TRAINED - timedelta(200), {"orders": MOVED}, MOVED) == ""


def test_a_request_stands_from_its_as_of_until_a_training_was_tried() -> None:
    request = Request(AS_OF, "shop.churn/1", ("old",), tried=TRAINED)
    assert request.stands_at(AS_OF)
    assert request.stands_at(AS_OF + timedelta(1))
    assert not request.stands_at(AS_OF - timedelta(1))
    assert not replace(request, reasons=()).stands_at(AS_OF)


def test_what_a_training_did_not_mend_is_asked_again_after_a_pause() -> None:
    request = Request(AS_OF, "shop.churn/1", ("old",), tried=AS_OF)
    assert not request.stands_at(AS_OF + timedelta(PAUSE_DAYS - 1))
    assert request.stands_at(AS_OF + timedelta(PAUSE_DAYS))
