"""The Dagster instance of one shop: its folder, its configuration, and nothing sent anywhere."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import dagster as dg
from sqlalchemy import Pool, event

from orchestration.files import write_text_atomically
from orchestration.state import State

CONFIGURATION = """\
# Written by Regulars at each start; edit orchestration/instance.py instead.
nux:
  enabled: false
telemetry:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
  pools:
    default_limit: 1
    granularity: op
run_monitoring:
  enabled: true
  max_runtime_seconds: 14400
  free_slots_after_run_end_seconds: 60
"""


def dagster_home(state: State) -> str:
    """Make the instance folder and point ``DAGSTER_HOME`` at it, for this process and those that it starts."""
    write_text_atomically(state.dagster / "dagster.yaml", CONFIGURATION)
    os.environ["DAGSTER_HOME"] = str(state.dagster)
    return str(state.dagster)


def open_instance(state: State) -> dg.DagsterInstance:
    """The shop's instance, where the UI finds the runs of the command line too."""
    dagster_home(state)
    return dg.DagsterInstance.get()


@contextmanager
def writing_often(state: State) -> Iterator[None]:
    """Let this process write down many events of a run without waiting for the disk at each.

    Dagster opens its books anew for every event. SQLite waits for the disk when it commits, and once more when the last
    who had a file open closes it and the log of writes goes into the file. Here the files stay open until the end, and
    of what was written only the last moments before a power failure can be lost; a killed process loses nothing.
    """
    books = f"{state.dagster.resolve()}{os.sep}"
    held: set[str] = set()

    def hold(connection: sqlite3.Connection, _: object) -> None:
        if not isinstance(connection, sqlite3.Connection):
            return
        ((_, _, file),) = connection.execute("pragma database_list")
        if not file.startswith(books):
            return
        connection.execute("pragma synchronous = normal")
        if file not in held:
            held.add(file)
            holder = files.enter_context(closing(sqlite3.connect(file, check_same_thread=False)))
            holder.execute("pragma journal_mode = wal")  # as Dagster will have it, which comes too late for a new file
            holder.execute("select count(*) from sqlite_master").fetchone()  # a file is open once it has been read

    with ExitStack() as files:
        event.listen(Pool, "connect", hold)
        files.callback(event.remove, Pool, "connect", hold)
        yield
