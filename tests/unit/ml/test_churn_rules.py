"""The simple rule of each kind of churn: the fallback, and the baseline to beat."""

import numpy as np
import pytest

from ml.churn.ladder import fit_ladder
from ml.churn.rules import CONTRACT, RULES, SILENCE
from ml.churn.wording import WORDS
from orchestration.shop import Churn

NAMES = ("contract_age_days", "days_to_renewal", "is_past_due", "orders_90d")
CONTRACTS = np.array([[700, 5, 0, 0], [200, 5, 0, 0], [30, 5, 0, 0], [700, 5, 1, 0]], np.float32)


def test_every_kind_of_churn_that_a_shop_may_choose_has_a_rule() -> None:
    assert set(RULES) == set(Churn.model_fields["mode"].annotation.__args__)  # type: ignore[union-attr]


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_what_a_rule_reads_can_be_spoken_and_its_belief_rises(rule) -> None:
    assert set(rule.columns) <= set(WORDS)
    assert list(rule.prior_rates) == sorted(rule.prior_rates)
    assert len(rule.steps) == len(rule.prior_rates) - 1


def test_without_any_outcome_a_young_contract_is_riskier_and_a_missing_payment_worst() -> None:
    fallback = fit_ladder(CONTRACTS[:0], np.empty(0), CONTRACTS, NAMES, active_days=365, rule=CONTRACT)
    assert fallback.predict(CONTRACTS, NAMES).tolist() == list(CONTRACT.prior_rates)
    assert fallback.version == "fallback:contract"


def test_a_missing_payment_is_a_reason_of_its_own() -> None:
    fallback = fit_ladder(CONTRACTS[:0], np.empty(0), CONTRACTS, NAMES, active_days=365, rule=CONTRACT)
    said = fallback.contributions(CONTRACTS, NAMES)
    assert [NAMES[k] for k in np.abs(said).argmax(axis=1)] == [*["contract_age_days"] * 3, "is_past_due"]
    assert (np.count_nonzero(said, axis=1) == 1).all()


def test_known_outcomes_pull_the_rates_of_contracts_but_never_against_the_order() -> None:
    known = np.repeat(CONTRACTS[:1], 2000, axis=0)
    fallback = fit_ladder(known, np.ones(2000), CONTRACTS, NAMES, active_days=365, rule=CONTRACT)
    assert fallback.rates[0] > 0.9
    assert list(fallback.rates) == sorted(fallback.rates)


def test_a_rule_reads_what_there_is_and_ranks_without_outcomes() -> None:
    X = np.array([[np.nan, 3], [np.nan, 9]], np.float32)
    names = ("days_since_last_order", "days_since_last_event")
    assert SILENCE.read(X, names) == ("days_since_last_event",)
    assert SILENCE.rank(dict(zip(names, X.T, strict=True))).tolist() == [3, 9]
    assert CONTRACT.rank(dict(zip(NAMES, CONTRACTS.T, strict=True))).argsort().tolist() == [0, 1, 2, 3]
    assert CONTRACT.read(X, names) == ()
