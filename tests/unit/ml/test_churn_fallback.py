"""Who speaks for a shop with too little data: the model of repeat purchase, or the rule."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from ml.churn.fallback import Choice, Rhythm, choose
from ml.churn.rules import CONTRACT, SILENCE
from ml.snapshots import Snapshots, day_number
from ml.splits import Outcome

NAMES = ("days_since_last_order", "order_gap_median_days", "btyd_inactive_probability")
EXPECTATION = NAMES[2]
OUTCOME = Outcome(30, 5)
DAYS = (date(2024, 1, 1), date(2024, 3, 1), date(2024, 5, 1))


def snapshots(customers: int, *, truth: str) -> Snapshots:
    """Customers at three dates who leave as the ladder believes, or as the model of repeat purchase does."""
    rng, rows = np.random.default_rng(4), len(DAYS) * customers
    silence, told = rng.choice([5.0, 20, 45, 100, 500], rows), rng.choice([0.1, 0.9], rows)
    by_rule = np.array(SILENCE.prior_rates)[np.searchsorted([5, 20, 45, 100], silence)]
    left = rng.random(rows) < (by_rule if truth == "recency" else told)
    X = np.column_stack([silence, np.full(rows, 30.0), told]).astype(np.float32)
    days = np.repeat([day_number(day) for day in DAYS], customers).astype(np.int32)
    return Snapshots(NAMES, ("has_churned",), X, left[:, None].astype(float), days, np.tile(np.arange(customers), 3))


def chosen(known: Snapshots, **changes: object) -> Choice:
    given = {"active_days": 365, "expectation": EXPECTATION, **changes}
    return choose(known, known.X, OUTCOME, **given)  # type: ignore[arg-type]


SOME = snapshots(60, truth="recency")
NONE = SOME.at([])


def test_before_any_outcome_is_known_the_model_of_repeat_purchase_speaks() -> None:
    found = choose(NONE, SOME.X, OUTCOME, active_days=365, expectation=EXPECTATION)
    assert (found.fallback.version, found.reason) == ("fallback:mbg_nbd", "no outcome is known yet")
    assert found.fallback.predict(SOME.X, NAMES).tolist() == SOME.column(EXPECTATION).tolist()
    assert found.fallback.base_rate == pytest.approx(SOME.column(EXPECTATION).mean())


def test_the_rule_speaks_where_it_surely_was_better_and_says_by_how_much() -> None:
    found = chosen(SOME)
    assert found.fallback.version == "fallback:recency"
    assert found.reason.startswith("by recency log-loss would have been less by 0.")


@pytest.mark.parametrize("customers", [4, 60])
def test_neither_few_outcomes_nor_those_that_it_foretold_take_the_word_from_the_model(customers: int) -> None:
    assert chosen(snapshots(customers, truth="mbg_nbd")).fallback.version == "fallback:mbg_nbd"
    assert chosen(SOME.rows(SOME.hashed < 2)).fallback.version == "fallback:mbg_nbd"


def test_what_the_same_customers_did_again_makes_it_no_surer() -> None:
    few = SOME.rows(SOME.hashed < 7)
    again = replace(few, **{name: np.repeat(getattr(few, name), 9, axis=0) for name in ("X", "Y", "day", "hashed")})
    assert chosen(few).fallback.version == "fallback:mbg_nbd"
    assert chosen(again).fallback.version == "fallback:mbg_nbd"


def test_rates_of_the_rule_are_judged_by_what_was_known_at_each_date() -> None:
    """Everybody leaves, which nobody could know on the first dates: what the rule learned later counts for nothing."""
    left = replace(SOME, Y=np.ones_like(SOME.Y)).at(DAYS[:1])
    even = replace(left, X=left.X.copy())
    even.X[:, 2] = 0.5
    assert chosen(even).fallback.version == "fallback:mbg_nbd"


def test_where_churn_is_not_told_from_orders_or_no_model_can_be_fitted_the_rule_speaks() -> None:
    assert chosen(SOME, expectation=None, rule=CONTRACT).fallback.version == "fallback:contract"
    unfitted = replace(SOME, X=SOME.X.copy())
    unfitted.X[:, 2] = np.nan
    assert chosen(unfitted).fallback.version == "fallback:recency"
    assert chosen(unfitted).reason == "no model of repeat purchase can be fitted"


def test_one_reason_says_all_and_who_has_no_expectation_goes_by_the_rule() -> None:
    X = np.array([[5, 30, 0.8], [500, 30, np.nan], [5, 30, 0.4]], np.float32)
    fallback = choose(NONE, X, OUTCOME, active_days=365, expectation=EXPECTATION).fallback
    assert isinstance(fallback, Rhythm)
    p, said = fallback.predict(X, NAMES), fallback.contributions(X, NAMES)
    assert p.tolist() == pytest.approx([0.8, SILENCE.prior_rates[-1], 0.4])
    assert [NAMES[k] for k in np.abs(said).argmax(axis=1)] == [EXPECTATION, "days_since_last_order", EXPECTATION]
    assert (np.count_nonzero(said, axis=1) == 1).all()
    assert said.sum(axis=1)[[0, 2]] == pytest.approx([0.2, -0.2])
