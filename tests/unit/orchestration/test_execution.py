"""What a killed run leaves in Dagster's own books, that the next run does not wait for it, and whose turn it is."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import dagster as dg
import pytest

from orchestration import execution, jobs
from orchestration.execution import bury_dead_runs, run_job
from orchestration.instance import CONFIGURATION
from orchestration.jobs import BY_HAND, POOL, take_turn
from orchestration.progress import Progress
from orchestration.settings import Settings
from orchestration.workspace import Workspace


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    (tmp_path / "dagster.yaml").write_text(CONFIGURATION)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        instance.event_log_storage.initialize_concurrency_limit_to_default(POOL)  # as an executor does
        yield instance


def started(instance: dg.DagsterInstance, **tags: str) -> str:
    @dg.job
    def daily() -> None: ...

    run = instance.create_run_for_job(daily, status=dg.DagsterRunStatus.STARTED, tags=tags)
    return run.run_id


def claims(instance: dg.DagsterInstance, run_id: str, step: str = "raw_batches") -> bool:
    return instance.event_log_storage.claim_concurrency_slot(POOL, run_id, step).is_claimed


def test_a_killed_run_gives_back_its_slot_and_counts_as_failed(instance: dg.DagsterInstance) -> None:
    killed = started(instance, **BY_HAND)
    assert claims(instance, killed)
    assert not claims(instance, "next"), "or there would be nothing to free"

    bury_dead_runs(instance)

    assert claims(instance, "next")
    run = instance.get_run_by_id(killed)
    assert run is not None
    assert run.status == dg.DagsterRunStatus.FAILURE


def test_a_step_of_a_dead_daemon_gives_back_its_slot_too(instance: dg.DagsterInstance) -> None:
    dead = started(instance)
    assert claims(instance, dead)
    bury_dead_runs(instance)
    assert claims(instance, "next")


def test_a_run_of_the_daemon_goes_on(instance: dg.DagsterInstance) -> None:
    alive = started(instance)
    bury_dead_runs(instance)
    run = instance.get_run_by_id(alive)
    assert run is not None
    assert run.status == dg.DagsterRunStatus.STARTED


def waiting(workspace: Workspace) -> dg.ExecuteInProcessResult:
    """A run of the daemon with one step that needs the shop."""

    @dg.op
    def landing(context: dg.OpExecutionContext) -> None:
        take_turn(workspace, context.run_id)

    @dg.job(executor_def=dg.in_process_executor)
    def daily() -> None:
        landing()

    return daily.execute_in_process(raise_on_error=False)


def test_a_run_of_the_daemon_waits_for_its_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "POLL_SECONDS", 0)
    workspace = Workspace(Settings(data_dir=tmp_path))
    with ExitStack() as other:
        other.enter_context(workspace.state.exclusive("regulars run"))

        def claim(holder: str) -> None:
            try:
                Workspace.claim(workspace, holder)
            finally:
                other.close()

        monkeypatch.setattr(workspace, "claim", claim)
        done = waiting(workspace)
    workspace.release()
    assert done.success
    assert any(event.is_step_up_for_retry for event in done.all_events), "or it had not to wait"


def test_a_run_of_the_daemon_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "POLL_SECONDS", 0)
    monkeypatch.setattr(jobs, "POLLS", 2)
    workspace = Workspace(Settings(data_dir=tmp_path))
    with workspace.state.exclusive("regulars run"):
        assert not waiting(workspace).success


def test_who_watches_hears_of_a_run_that_dagster_itself_could_not_go_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> dg.DagsterInstance:
        raise OSError("No space left on device")

    monkeypatch.setattr(execution, "open_instance", full)
    told = tmp_path / "told"
    workspace = Workspace(Settings(data_dir=tmp_path, failure_command=f'echo "$REGULARS_ERROR" > {told}'))
    with pytest.raises(OSError, match="No space left"):
        run_job(workspace, workspace.default_as_of(), train=False, progress=Progress(quiet=True))
    workspace.release()
    assert "free some space" in told.read_text()
