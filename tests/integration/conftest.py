"""One small demo shop, run once from nothing, for all tests that look at the result of a run."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from worlds import Deployment, demo

from orchestration.publishing.server import stop_server


@contextmanager
def _open_folder() -> Iterator[Path]:
    """A folder in which a Postgres may live, also as root: pytest's own are closed to the server's user."""
    with tempfile.TemporaryDirectory(prefix="regulars-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        for data in folder.glob("**/data/*/postgres"):
            stop_server(data)


@pytest.fixture(scope="session")
def finished_demo() -> Iterator[Deployment]:
    """A demo of 500 customers after ``regulars run``."""
    with _open_folder() as folder:
        deployment = demo(folder)
        done = deployment.run("run")
        assert done.returncode == 0, done.stdout + done.stderr
        (folder / "output.txt").write_text(done.stdout)
        (folder / "first.json").write_text(json.dumps(deployment.published()))
        yield deployment


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """An empty folder for a deployment of a test's own; its Postgres is stopped afterwards."""
    with _open_folder() as folder:
        yield folder
