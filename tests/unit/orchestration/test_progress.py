"""What a run tells on the terminal of a stage that failed."""

import uuid

import dagster as dg

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


def test_a_check_that_blocks_says_which_rule_is_broken_and_by_what() -> None:
    progress, run_id, instance = Progress(quiet=True), str(uuid.uuid4()), dg.DagsterInstance.ephemeral()
    instance.add_event_listener(run_id, progress.follow)
    job = dg.Definitions([generation], jobs=[dg.define_asset_job("all")]).resolve_job_def("all")
    done = job.execute_in_process(instance=instance, run_id=run_id, raise_on_error=False)
    assert not done.success
    assert progress.first_error is not None
    assert progress.first_error.splitlines()[-1].strip() == (
        "audit_items: 1 of 2 rules held; broken: no_fall (171 rows, 406 before)"
    )
