"""The audit: each way in which a generation may be wrong is found, and named without a value."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from publishing_world import FIRST_DAY, PublishingWorld, offer, score

from ml.quality.rules import Finding, Severity
from orchestration.publishing.audit import Auditor, is_passed, rules_of
from orchestration.publishing.errors import PublishError
from orchestration.publishing.generation import Generation
from orchestration.publishing.suppression import Privacy
from orchestration.resources.expectations import Judge

JUDGE = Judge()


@pytest.fixture
def world(tmp_path: Path) -> PublishingWorld:
    return PublishingWorld(tmp_path)


def audit(world: PublishingWorld, generation: Generation, grants: Path | None = None) -> list[Finding]:
    publisher = world.publisher
    auditor = Auditor(publisher.published, world.contract, publisher.privacy, publisher.engine, JUDGE)
    return auditor.audit(generation, grants)


def failed(findings: list[Finding]) -> dict[str, int]:
    return {f"{one.table}.{one.check}": one.failing_rows for one in findings if not one.passed}


def grants_file(folder: Path, rows: list[tuple[str, str, str | None, bool]]) -> Path:
    names = ["customer_id", "purpose", "channel", "is_granted"]
    types = [pa.string(), pa.string(), pa.string(), pa.bool_()]
    schema = pa.schema(list(zip(names, types, strict=True)))
    pq.write_table(
        pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=schema), folder / "g"
    )
    return folder / "g"


def test_a_sound_generation_passes_and_may_be_published(world: PublishingWorld) -> None:
    generation = world.write(0, 150)
    findings = audit(world, generation)
    assert failed(findings) == {}
    world.publisher.publish_files(generation.generation_id)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([score(1), score(1), score(2)], {"scores.unique_key": 1, "scores_changes.unique_key": 1}),
        ([score(1, status=None)], {"scores.status_required": 1}),
        ([score(1, status="odd")], {"scores.status_allowed": 1, "scores_changes.status_allowed": 1}),
        ([score(1, percentile=float("nan"))], {"scores.percentile_finite": 1}),
        ([score(1, as_of=FIRST_DAY - timedelta(days=1))], {"scores.as_of_one_as_of": 1}),
        (
            [score(n, churn_probability=n) for n in range(5)],
            {"scores.churn_probability_between": 3, "scores_changes.churn_probability_between": 3},
        ),
        ([score(n, churn_probability=0.5) for n in range(150)], {"scores.churn_probability_not_constant": 1}),
        (
            [
                score(1, may_profile=False, status="not_profiled"),
                score(2, may_profile=False, churn_probability=None),
                score(3, may_profile=False, churn_probability=None, status="not_profiled"),
            ],
            {"scores.profiling_follows_flag": 2, "scores_changes.profiling_follows_flag": 2},
        ),
    ],
)
def test_a_wrong_row_is_found_by_its_rule(
    world: PublishingWorld, rows: list[dict[str, Any]], expected: dict[str, int]
) -> None:
    generation = world.write(0, rows, [])
    findings = audit(world, generation)
    assert failed(findings) == expected
    assert not is_passed(findings)
    with pytest.raises(PublishError, match="failed its audit"):
        world.publisher.publish_files(generation.generation_id)


def test_a_few_customers_may_have_one_score(world: PublishingWorld) -> None:
    assert failed(audit(world, world.write(0, [score(n, churn_probability=0.5) for n in range(50)], []))) == {}


def test_a_fall_by_more_than_half_blocks_and_growth_warns(world: PublishingWorld) -> None:
    world.publish(0, 100)
    assert failed(audit(world, world.write(1, 49))) == {"scores.no_fall": 1}
    assert failed(audit(world, world.write(1, 51, inputs="aa"))) == {}
    grown = audit(world, world.write(1, 201, inputs="bb"))
    assert failed(grown) == {"scores.no_jump": 1}
    assert is_passed(grown)
    told = next(one for one in grown if one.check == "no_jump" and one.table == "scores")
    assert (told.severity, told.detail) == (Severity.WARNING, "201 rows, 100 before")


def test_half_of_three_customers_may_leave(world: PublishingWorld) -> None:
    world.publish(0, 3, 3)
    assert failed(audit(world, world.write(1, 1, 1))) == {}


def test_a_generation_with_somebody_suppressed_or_withdrawn_is_not_published(world: PublishingWorld) -> None:
    generation = world.write(0, 5, 5)
    # Written before the list changed; whoever publishes it now would show them in every export.
    privacy: Privacy = world.publisher.privacy
    privacy.suppress(["c_0001"], FIRST_DAY, "asked")
    privacy.withdraw(["c_0002"], "profiling", None, FIRST_DAY)
    privacy.withdraw(["c_0003"], "marketing", "email", FIRST_DAY)
    assert failed(audit(world, generation)) == {
        "scores.customer_id_not_suppressed": 1,
        "scores.profiling_not_withdrawn": 1,
        "scores.marketing_email_not_withdrawn": 1,
        "scores_changes.customer_id_not_suppressed": 1,
        "scores_changes.profiling_not_withdrawn": 1,
        "scores_changes.marketing_email_not_withdrawn": 1,
        "offers.customer_id_not_suppressed": 1,
        "offers.marketing_email_not_withdrawn": 1,
    }


def test_what_no_standing_grant_permits_is_found_whatever_the_flags_say(world: PublishingWorld, tmp_path: Path) -> None:
    rows = [score(1), score(2), score(3), score(4), score(5, may_email=False)]
    generation = world.write(0, rows, [offer(1), offer(5)])
    everyone = [(f"c_000{n}", "profiling", None, n != 2) for n in (1, 2, 4, 5)]  # of the third nothing is known
    mail = [
        ("c_0001", "marketing", "email", True),
        ("c_0002", "marketing", None, True),
        ("c_0003", "marketing", "sms", True),
    ]
    mixed = [("c_0004", "marketing", None, True), ("c_0004", "marketing", "email", False)]
    nobody = [(None, "profiling", None, True), (None, "marketing", None, True)]
    grants = grants_file(tmp_path, [*everyone, *mail, *mixed, *nobody])  # type: ignore[list-item]
    assert failed(audit(world, generation, grants)) == {
        "scores.profiling_standing_grant": 2,
        "scores.marketing_email_standing_grant": 2,
        "scores_changes.profiling_standing_grant": 2,
        "scores_changes.marketing_email_standing_grant": 2,
        "offers.marketing_email_standing_grant": 1,
        "offers.marketing_email_follows_flag": 1,
    }


def test_findings_say_when_nobody_handed_over_grants(world: PublishingWorld) -> None:
    findings = audit(world, world.write(0))
    assert {one.detail for one in findings if one.check.endswith("standing_grant")} == {
        "not checked: no standing grants were handed over"
    }


def test_findings_hold_no_value_of_the_data(world: PublishingWorld) -> None:
    findings = audit(world, world.write(0, [score(1, status="Jane Doe"), score(1, spend=None)], []))
    assert not is_passed(findings)
    assert "Jane" not in str(findings)
    assert "c_0001" not in str(findings)


def test_a_damaged_generation_is_not_even_audited(world: PublishingWorld) -> None:
    generation = world.write(0)
    generation.file("offers").unlink()
    with pytest.raises(PublishError, match="is missing"):
        audit(world, generation)


def test_every_rule_is_reported_in_the_order_of_the_contract(world: PublishingWorld) -> None:
    findings = audit(world, world.write(0))
    assert [(one.table, one.check) for one in findings] == [
        (rule.table, rule.name) for rule in rules_of(world.contract)
    ]
