"""What a killed run leaves in Dagster's own books, and that the next run does not wait for it."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from orchestration.execution import BY_HAND, bury_dead_runs
from orchestration.instance import CONFIGURATION
from orchestration.jobs import POOL


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
