"""One small demo shop, run once from nothing, for all tests that look at the result of a run."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from worlds import Deployment, demo

from orchestration.publishing.server import stop_server


@pytest.fixture(scope="session")
def finished_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A demo of 500 customers after ``regulars run``."""
    deployment = demo(tmp_path_factory.mktemp("demo"))
    done = deployment.run("run")
    assert done.returncode == 0, done.stdout + done.stderr
    (deployment.folder / "output.txt").write_text(done.stdout)
    (deployment.folder / "first.json").write_text(json.dumps(deployment.published()))
    yield deployment
    stop_server(deployment.workspace.state.postgres)


@pytest.fixture
def stopped_servers(tmp_path: Path) -> Iterator[None]:
    """Stops whatever Postgres a test's deployments under ``tmp_path`` left running."""
    yield
    for folder in tmp_path.glob("**/data/*/postgres"):
        stop_server(folder)
