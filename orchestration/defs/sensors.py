"""What starts or follows runs by itself: new files in the landing folder, and failures."""

import json

import dagster as dg

from orchestration.jobs import AT_ONCE, BETWEEN_RUNS, BY_HAND, LANDING
from orchestration.landing.waiting import waiting
from orchestration.notification import notify_of_failure
from orchestration.workspace import Workspace


@dg.definitions
def defs() -> dg.Definitions:
    landing = dg.define_asset_job(
        LANDING,
        dg.AssetSelection.key_prefixes("raw") | dg.AssetSelection.assets(AT_ONCE, BETWEEN_RUNS),
        description="Land what is new: it is checked, withdrawals act and live plays are decided as it arrives.",
    )

    @dg.sensor(job=landing, minimum_interval_seconds=10)
    def new_landing_files(
        context: dg.SensorEvaluationContext, workspace: dg.ResourceParam[Workspace]
    ) -> dg.RunRequest | dg.SkipReason:
        """Asks for one landing run when the folder holds files, or states of files, not seen before."""
        seen = json.loads(context.cursor or "{}")
        found = waiting(workspace.shop, workspace.landing_folder)
        new = sorted(name for name, state in found.items() if seen.get(name) != state)
        context.update_cursor(json.dumps(found))
        if not new:
            return dg.SkipReason(f"nothing new among {len(found)} files")
        return dg.RunRequest(tags={"regulars/files": ", ".join(new)[:250]})

    @dg.run_failure_sensor(monitor_all_code_locations=False, default_status=dg.DefaultSensorStatus.RUNNING)
    def failure_hook(context: dg.RunFailureSensorContext, workspace: dg.ResourceParam[Workspace]) -> None:
        """Calls REGULARS_FAILURE_COMMAND with the run and the error in its environment."""
        if context.dagster_run.tags.items() >= BY_HAND.items():
            return
        notify_of_failure(workspace.settings, context.dagster_run.run_id, str(context.failure_event.message))

    return dg.Definitions(jobs=[landing], sensors=[new_landing_files, failure_hook])
