"""What a run tells on the terminal of its stages, and of the one that failed."""

import re
import uuid

import dagster as dg
import pytest

from ml.quality.rules import Finding, Severity
from orchestration.defs.activation.generation import _checks
from orchestration.progress import Progress


@dg.asset(
    key=["published", "generation"],
    check_specs=[dg.AssetCheckSpec("audit_items", asset=["published", "generation"], blocking=True)],
)
def generation() -> dg.MaterializeResult:
    fell = Finding("no_fall", "items", None, False, Severity.CRITICAL, 1, "171 rows, 406 before")
    held = Finding("is_unique", "items", "item_id", True, Severity.CRITICAL, 0)
    (check,) = _checks(["items"], [fell, held])
    return dg.MaterializeResult(check_results=[check])


@dg.asset(key=["ml", "churn_model"])
def churn_model() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"gate": "refused: [nan]", "version": "demo.churn/1"})


@dg.asset(key=["ml", "churn_scores"])
def churn_scores() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"dagster/row_count": 1200, "model": "fallback:recency"})


@dg.asset(key=["ml", "churn_drift"])
def churn_drift() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"model": "demo.churn/1"})


def followed(*assets: dg.AssetsDefinition) -> tuple[Progress, bool]:
    """What was told of a run of these assets, and whether it succeeded."""
    progress, run_id, instance = Progress(), str(uuid.uuid4()), dg.DagsterInstance.ephemeral()
    instance.add_event_listener(run_id, progress.follow)
    job = dg.Definitions(assets, jobs=[dg.define_asset_job("all")]).resolve_job_def("all")
    return progress, job.execute_in_process(instance=instance, run_id=run_id, raise_on_error=False).success


def test_a_stage_tells_what_the_gate_decided_and_which_model_wrote_the_scores(
    capfd: pytest.CaptureFixture[str],
) -> None:
    progress, _ = followed(churn_model, churn_scores, churn_drift)
    said = {record.stage: record.said for record in progress.records}
    assert said == {"churn model": "refused: [nan]", "churn scores": "fallback:recency", "churn drift": ""}
    told = capfd.readouterr().out
    assert re.search(r"churn scores +1,200 rows +[0-9.]+ s  fallback:recency", told)
    assert "refused: [nan]" in told


def test_a_check_that_blocks_says_which_rule_is_broken_and_by_what() -> None:
    progress, succeeded = followed(generation)
    assert not succeeded
    assert progress.first_error is not None
    assert progress.first_error.splitlines()[-1].strip() == (
        "audit_items: 1 of 2 rules held; broken: no_fall (171 rows, 406 before)"
    )
