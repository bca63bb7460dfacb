"""A run killed at any moment, then the same run again: the same bytes as an undisturbed one, nothing half-published."""

import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from worlds import Deployment, demo

from orchestration.publishing.files import current_generation
from orchestration.publishing.server import postgres_url, stop_server

pytestmark = pytest.mark.slow
KILLS = 10


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="regulars-") as name:
        Path(name).chmod(0o755)
        yield Path(name)
        for data in Path(name).glob("*/data/*/postgres"):
            stop_server(data)


@pytest.fixture(scope="module")
def undisturbed(folder: Path) -> tuple[Deployment, float]:
    deployment = demo(folder / "undisturbed", 300)
    started = time.monotonic()
    done = deployment.run("run")
    assert done.returncode == 0, done.stdout + done.stderr
    return deployment, time.monotonic() - started


def require_whole(deployment: Deployment) -> None:
    """Whatever a reader sees now is complete."""
    generation = current_generation(deployment.workspace.state.published)
    if generation is not None:
        generation.verify()


def require_served(deployment: Deployment) -> None:
    """Postgres shows the generation of the files, row by row as many as its manifest says."""
    workspace = deployment.workspace
    generation = current_generation(workspace.state.published)
    assert generation is not None
    with psycopg.connect(postgres_url(None, workspace.state.postgres)) as connection:
        current = connection.execute("select generation_id from crm.generations where is_current").fetchall()
        assert current == [(generation.generation_id,)]
        for table in ("customer_scores", "customer_identifiers", "next_best_actions", "item_neighbours"):
            found = connection.execute(f"select count(*) from crm.{table}".encode()).fetchone()
            assert found == (generation.manifest.rows[table],), table


def survives(deployment: Deployment, seconds: float) -> bool:
    """Start a run and kill it after so many seconds; whether it had come to its end by then."""
    process = deployment.start("run")
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return any((deployment.workspace.state.ledger / "inputs").glob("*.done"))  # killed on its way out
    assert code == 0, "the run after a kill failed: " + deployment.log.read_text()
    return True


def test_ten_kills_in_a_row_leave_no_trace(folder: Path, undisturbed: tuple[Deployment, float]) -> None:
    whole, seconds = undisturbed
    draw = random.Random(11)
    worlds = (
        demo(folder / f"disturbed-{n}", 300, REGULARS_KEYS_DIR=whole.settings["REGULARS_KEYS_DIR"]) for n in count()
    )
    disturbed, kills = next(worlds), 0
    while kills < KILLS:
        if survives(disturbed, draw.uniform(0.05, 0.95) * seconds):
            assert disturbed.published() == whole.published()
            require_served(disturbed)
            disturbed = next(worlds)  # a further run would be another one: it has a champion to begin with
        else:
            kills += 1
            require_whole(disturbed)
    done = disturbed.run("run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert disturbed.published() == whole.published()
    require_served(disturbed)
