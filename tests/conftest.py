"""Fixtures that several folders of tests share: a real Postgres, started once, and a database for each test."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import psycopg
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling, Scheduling

from orchestration.environment import prepare_process
from orchestration.publishing.server import start_server, stop_server

prepare_process()  # before a test loads a library: two workers whose threads spin take twice as long
_numbers = itertools.count(1)
ROOT = Path(__file__).parents[1]


class OneWorkerEach(LoadScopeScheduling):
    """A worker for each file of tests, and one for all files that look at the same whole run, which takes minutes.

    Not by marks (``--dist loadgroup``): pytest-xdist 3.8 writes groups into ids that pytest 9 takes no change of.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _worker_of(nodeid.split("::")[0])


@cache
def _worker_of(file: str) -> str:
    return "finished_demo" if "finished_demo" in (ROOT / file).read_text(encoding="utf-8") else file


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The whole run that most tests look at begins first: what waits for it is the longest of all."""
    items.sort(key=lambda item: "finished_demo" not in getattr(item, "fixturenames", ()))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Files in the order of collection, where pytest-xdist would put those with many tests first: they are short."""
    config.option.loadscopereorder = False
    return OneWorkerEach(config, log)


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """An empty folder in which a Postgres may live.

    As root the server runs as a user of its own, and pytest shuts its own folders to others whenever a session starts.
    """
    with tempfile.TemporaryDirectory(prefix="regulars-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a Postgres that lives as long as the test session."""
    with tempfile.TemporaryDirectory(prefix="regulars-") as folder:
        yield start_server(Path(folder) / "postgres")
        stop_server(Path(folder) / "postgres")


@pytest.fixture
def database(postgres_server: str) -> Iterator[str]:
    """URL of an empty database."""
    name = f"shop_{next(_numbers)}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    yield postgres_server.replace("/postgres?", f"/{name}?")
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)".encode())
