"""The books of Dagster while one process writes down a run."""

import sqlite3
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock

import pytest
from sqlalchemy import NullPool, create_engine, text

from orchestration.instance import writing_often
from orchestration.state import State

NORMAL, FULL = 1, 2
COUNT = "select count(*) from events"


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State(tmp_path / "data", tmp_path / "keys", "corner")
    state.dagster.mkdir(parents=True)
    return state


def write(file: Path, value: int) -> int:
    """One event as Dagster writes it, by an engine and a connection of its own; how it waited for the disk."""
    engine = create_engine(f"sqlite:///{file}", poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("create table if not exists events (id integer)"))
        connection.execute(text("insert into events values (:id)"), {"id": value})
        return int(connection.execute(text("pragma synchronous")).scalar_one())


def answer(file: Path, question: str, options: str = "") -> object:
    """What another process reads."""
    with closing(sqlite3.connect(f"file:{file}{options}", uri=True)) as connection:
        (found,) = connection.execute(question).fetchone()
        return found


def test_events_of_a_run_wait_for_the_disk_at_its_end(state: State) -> None:
    file = state.dagster / "run.db"
    log = Path(f"{file}-wal")
    with writing_often(state):
        assert {write(file, event) for event in range(3)} == {NORMAL}
        assert log.exists(), "who writes last does not put the log into the file each time"
        assert answer(file, COUNT) == 3
    assert not log.exists()
    assert write(file, 3) == FULL
    assert answer(file, COUNT, "?immutable=1") == 4, "and nothing of it stands elsewhere"


def test_books_of_others_are_left_as_they_are(state: State, tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    with writing_often(state):
        assert write(file, 0) == FULL
    assert answer(file, "pragma journal_mode") == "delete"


def test_a_connection_to_another_kind_of_database_is_let_be(state: State) -> None:
    connection = Mock(spec=["close", "rollback"])  # to be asked anything is an error
    with writing_often(state):
        NullPool(lambda: connection).connect().close()
    connection.close.assert_called_once()
