"""One small demo shop, run once from nothing, for all tests that look at the result of a run."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from worlds import Deployment, demo, folder_for_a_server


@pytest.fixture(scope="session")
def finished_demo() -> Iterator[Deployment]:
    """A demo of 500 customers after ``regulars run``."""
    with folder_for_a_server() as folder:
        deployment = demo(folder, REGULARS_THREADS="2")
        done = deployment.run("run")
        assert done.returncode == 0, done.stdout + done.stderr
        (folder / "output.txt").write_text(done.stdout)
        (folder / "first.json").write_text(json.dumps(deployment.published()))
        yield deployment


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """An empty folder for a deployment of a test's own; its Postgres is stopped afterwards."""
    with folder_for_a_server() as folder:
        yield folder
