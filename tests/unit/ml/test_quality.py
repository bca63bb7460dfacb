"""Rules follow from the contract, and the judge tells good from bad without repeating a value."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd
import pytest
from publishing_world import contract_model, contract_of

from ml.quality.rules import Kind, Measure, Rule, Severity
from ml.quality.suites import suite
from orchestration.resources.expectations import Judge


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


def names(tmp_path: Path, table: str) -> set[str]:
    return {rule.name for rule in suite(contract_of(tmp_path).table(table))}


def test_every_entry_of_the_contract_becomes_a_rule(tmp_path: Path) -> None:
    assert {
        "customer_id_required", "status_required", "status_allowed", "churn_probability_between",
        "churn_probability_finite", "churn_probability_not_constant", "unique_key", "no_fall", "no_jump",
        "as_of_one_as_of", "customer_id_not_suppressed", "profiling_not_withdrawn", "profiling_follows_flag",
        "profiling_standing_grant", "marketing_email_standing_grant",
    } <= names(tmp_path, "scores")  # fmt: skip


def test_a_feed_may_carry_tombstones_and_shrink(tmp_path: Path) -> None:
    feed = names(tmp_path, "scores_changes")
    assert {"op_required", "op_allowed", "customer_id_required", "status_allowed"} <= feed
    assert not {"status_required", "no_fall", "no_jump"} & feed


def test_growth_only_warns(tmp_path: Path) -> None:
    rules = {rule.kind: rule for rule in suite(contract_of(tmp_path).table("scores"))}
    assert rules[Kind.NO_JUMP].severity is Severity.WARNING
    assert rules[Kind.NO_FALL].severity is Severity.CRITICAL


def test_names_are_unique_and_fit_for_an_asset_check(tmp_path: Path) -> None:
    model = contract_model()
    for table in contract_of(tmp_path, model).tables:
        rules = [rule.name for rule in suite(table)]
        assert len(rules) == len(set(rules))
        assert all(name.isidentifier() for name in rules)


def test_each_row_rule_is_judged_by_itself(judge: Judge) -> None:
    frame = pd.DataFrame({"a": ["x", None], "b": ["low", "odd"], "p": [0.5, 1.5]})
    rules = [
        Rule("t", Kind.REQUIRED, "a"), Rule("t", Kind.REQUIRED, "b"), Rule("t", Kind.ALLOWED, "b", allowed=("low",)),
        Rule("t", Kind.ALLOWED, "a", allowed=("x",)), Rule("t", Kind.BETWEEN, "p", min=0, max=1),
        Rule("t", Kind.BETWEEN, "p", min=0),
    ]  # fmt: skip
    verdicts = [judge.rows(frame, [rule])[rule.name] for rule in rules]
    assert verdicts == [False, True, False, True, False, True]


def test_an_exception_is_a_failed_check_and_spares_the_others(judge: Judge) -> None:
    rules = [Rule("t", Kind.REQUIRED, "no_such_column"), Rule("t", Kind.REQUIRED, "a")]
    verdicts = judge.rows(pd.DataFrame({"a": ["x"]}), rules)
    assert verdicts == {"no_such_column_required": False, "a_required": True}


def test_a_library_that_breaks_altogether_passes_nothing(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def get_batch(self, _: object) -> None:
            raise RuntimeError("broken")

    monkeypatch.setitem(judge.__dict__, "_batch_definition", Broken())
    logging.getLogger("orchestration.resources.expectations").disabled = True
    assert judge.rows(pd.DataFrame({"a": ["x"]}), [Rule("t", Kind.REQUIRED, "a")]) == {"a_required": False}


def test_a_measure_must_keep_its_range_and_must_have_been_taken(judge: Judge) -> None:
    measures = [
        Measure(Rule("t", Kind.UNIQUE_KEY), 0, max=0), Measure(Rule("other", Kind.UNIQUE_KEY), 1, max=0),
        Measure(Rule("t", Kind.NO_FALL), 0.4, min=0.5),
        Measure(Rule("t", Kind.NO_JUMP, severity=Severity.WARNING), float("nan"), max=2),
    ]  # fmt: skip
    assert judge.measures(measures) == {
        ("t", "unique_key"): True, ("other", "unique_key"): False, ("t", "no_fall"): False, ("t", "no_jump"): False,
    }  # fmt: skip
