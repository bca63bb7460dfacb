"""One run from the command line: the Dagster job in this process, so that each heavy import is paid once.

Belongs here: starting, following and retrying a run. Does not belong here: what the run does (``defs``) and what
is printed about it (``progress``).
"""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import date
from importlib import import_module

import dagster as dg

from orchestration.disk import advised
from orchestration.instance import open_instance, writing_often
from orchestration.jobs import AT_ONCE, BETWEEN_RUNS, BY_HAND, DAILY, LANDING, POOL, PUBLISH_TAG, TRAINING_TAG, WEEKLY
from orchestration.notification import notify_of_failure
from orchestration.progress import Progress, StageRecord
from orchestration.workspace import Workspace

LANDING_PARTS = ("landing.assets", "activation.withdrawals", "activation.triggered")
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    run_id: str
    as_of_date: date
    succeeded: bool
    stages: tuple[StageRecord, ...]
    error: str | None
    """The first failure, as a person should read it."""


def run_job(
    workspace: Workspace, as_of_date: date, *, train: bool, publish: bool = True, progress: Progress
) -> Outcome:
    """Run the whole pipeline for one as-of of the shop."""
    tags = {TRAINING_TAG: str(train).lower(), PUBLISH_TAG: str(publish).lower()}
    return _execute(workspace, WEEKLY if train else DAILY, as_of_date, tags, None, progress)


def run_landing(workspace: Workspace, *, progress: Progress) -> Outcome:
    """Land what is new; withdrawn consents act at once and live plays are decided, without a new day's scores."""
    return _execute(workspace, LANDING, workspace.default_as_of(), {}, None, progress, is_partitioned=False)


def retry_last(workspace: Workspace, *, progress: Progress) -> Outcome | None:
    """Run again what the shop's last run did not finish, on the same pinned inputs; None where nothing failed."""
    instance = open_instance(workspace.state)
    newest = [one for job in (DAILY, WEEKLY) for one in instance.get_run_records(dg.RunsFilter(job_name=job), limit=1)]
    last = max(newest, key=lambda record: record.create_timestamp, default=None)
    if last is None or last.dagster_run.status == dg.DagsterRunStatus.SUCCESS:
        return None
    run = last.dagster_run
    partition = run.tags["dagster/partition"]
    remaining = _unfinished(instance, run)
    tags = {name: run.tags[name] for name in (TRAINING_TAG, PUBLISH_TAG) if name in run.tags}
    tags |= {"dagster/parent_run_id": run.run_id, "dagster/root_run_id": run.root_run_id or run.run_id}
    return _execute(workspace, run.job_name, date.fromisoformat(partition), tags, remaining, progress)


def bury_dead_runs(instance: dg.DagsterInstance) -> None:
    """Close killed runs and free what they hold of the pool, where the next run would wait for ever.

    The caller holds the shop's lock: no run of the command line is alive beside it, and no step at all works.
    """
    going_on = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
    for run in instance.get_runs(dg.RunsFilter(tags=BY_HAND, statuses=going_on)):
        instance.report_run_failed(run, "The run was killed.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    for slot in instance.event_log_storage.get_concurrency_info(POOL).claimed_slots:
        instance.event_log_storage.free_concurrency_slot_for_step(slot.run_id, slot.step_key)


def _unfinished(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[dg.AssetKey]:
    """Assets of the run's own stages that did not succeed; a stage whose check blocked counts as not succeeded."""

    def events(of_type: dg.DagsterEventType) -> list[dg.DagsterEvent]:
        records = instance.get_records_for_run(run.run_id, of_type=of_type).records
        return [event for record in records if (event := record.event_log_entry.dagster_event)]

    succeeded = {event.step_key for event in events(dg.DagsterEventType.STEP_SUCCESS)}
    made = events(dg.DagsterEventType.ASSET_MATERIALIZATION)
    done = {event.asset_key for event in made if event.step_key in succeeded}
    asked = run.asset_selection or _job(run.job_name).asset_layer.executable_asset_keys
    return sorted(set(asked) - done)


def _execute(
    workspace: Workspace,
    job_name: str,
    as_of_date: date,
    tags: Mapping[str, str],
    assets: list[dg.AssetKey] | None,
    progress: Progress,
    *,
    is_partitioned: bool = True,
) -> Outcome:
    workspace.claim("regulars run")
    run_id = str(uuid.uuid4())
    try:
        instance = open_instance(workspace.state)
        bury_dead_runs(instance)
        job = _job(job_name) if is_partitioned else _landing_job(workspace)
        instance.add_event_listener(run_id, progress.follow)
        workspace.state.reports.mkdir(parents=True, exist_ok=True)
        # dbt's own lines go to a file: the terminal shows one line per stage.
        console = (workspace.state.reports / "console.log").open("w")
        with console as log, redirect_stdout(log), writing_often(workspace.state):
            result = job.execute_in_process(
                run_id=run_id,
                instance=instance,
                partition_key=as_of_date.isoformat() if is_partitioned else None,
                tags={**tags, **BY_HAND},
                asset_selection=assets,
                run_config=QUIET,
                raise_on_error=False,
            )
    except Exception as stopped:  # Dagster itself could not go on, as when its own books do not fit on the disk
        notify_of_failure(workspace.settings, run_id, advised(str(stopped)))
        raise
    error = None if result.success else advised(progress.first_error or "the run failed; see its log in Dagster")
    if error:
        notify_of_failure(workspace.settings, run_id, error)
    return Outcome(run_id, as_of_date, result.success, tuple(progress.records), error)


def _landing_job(workspace: Workspace) -> dg.JobDefinition:
    """The landing job without the rest of the graph: reading dbt's part takes longer than deciding a live play."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # which of Dagster's parameters are new, as it hides them for a whole folder
        parts = [import_module(f"orchestration.defs.{name}").defs() for name in LANDING_PARTS]
    selection = dg.AssetSelection.key_prefixes("raw") | dg.AssetSelection.assets(AT_ONCE, BETWEEN_RUNS)
    own = dg.Definitions(
        jobs=[dg.define_asset_job(LANDING, selection)],
        resources={"workspace": workspace},
        executor=dg.in_process_executor,
    )
    return dg.Definitions.merge(*parts, own).resolve_job_def(LANDING)


def _job(name: str) -> dg.JobDefinition:
    from orchestration.definitions import defs

    return defs().resolve_job_def(name)
