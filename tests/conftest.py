"""Fixtures that several folders of tests share: a real Postgres, started once, and a database for each test."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from orchestration.publishing.server import start_server, stop_server

_numbers = itertools.count(1)


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker for all that look at the same whole run, which takes minutes; else one for each file."""
    for item in items:
        shared = "finished_demo" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("finished_demo" if shared else str(item.path)))


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
