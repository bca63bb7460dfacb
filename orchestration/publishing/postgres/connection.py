"""Connections to Postgres: one publisher at a time, impatient locks, errors without values.

Belongs here: how statements are sent and what their errors become. Does not belong here: what they say.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from orchestration.publishing.errors import PublishError, SinkUnavailableError

CONNECT_SECONDS = 5
PUBLISHER_LOCK = 7_305_816_093_171_552
"""Advisory lock of whoever writes to schema crm; an arbitrary constant."""
LOCK_MILLISECONDS = 20
"""A statement that waits for an exclusive lock holds up every reader behind it, so it waits this long at most."""
ATTEMPTS, PAUSE_SECONDS = 50, 0.1

Connection = psycopg.Connection[tuple[object, ...]]


@contextmanager
def reader_session(url: str) -> Iterator[Connection]:
    """A connection in autocommit for short statements.

    Raises
    ------
    SinkUnavailableError
        Nobody answers, the connection broke, or the server refused (full disk, shut down).
    PublishError
        The server refused the content; the message names the kind of error and no value.
    """
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS, application_name="regulars") as one:
            one.prepare_threshold = None  # several statements sent as one transaction cannot be prepared
            yield one
    except psycopg.OperationalError as error:
        raise SinkUnavailableError(f"Postgres at {_place(url)} is not available: {_first_line(error)}") from None
    except psycopg.Error as error:
        # Its text may hold values of rows, so only what kind of error it was is passed on.
        raise PublishError(f"Postgres refused with {type(error).__name__} ({error.sqlstate})") from None


@contextmanager
def publisher_session(url: str) -> Iterator[Connection]:
    """A connection that holds the publisher's lock; the server frees it when the process dies.

    Raises
    ------
    SinkUnavailableError
        As for ``reader_session``, or another publisher is at work.
    """
    with reader_session(url) as connection:
        for _ in range(ATTEMPTS):
            row = connection.execute("select pg_try_advisory_lock(%s)", [PUBLISHER_LOCK]).fetchone()
            if row and row[0]:
                break
            time.sleep(PAUSE_SECONDS)
        else:
            raise SinkUnavailableError(f"another publisher is at work on {_place(url)}; run again when it is done")
        connection.execute("set timezone to 'UTC'")
        yield connection


def run(connection: Connection, statement: str) -> None:
    """Execute SQL that was put together here, from the contract and with quoted names.

    Several statements in one call are one transaction.
    """
    connection.execute(statement.encode())


def rows(connection: Connection, statement: str, parameters: list[object] | None = None) -> list[tuple[object, ...]]:
    """All rows of a short select."""
    return connection.execute(statement.encode(), parameters).fetchall()


def run_impatiently(connection: Connection, statement: str, *, attempts: int | None = None) -> bool:
    """Execute a statement that needs a strong lock, giving up each time after a few milliseconds.

    Returns
    -------
    bool
        False when a reader held on to its lock through all attempts; nothing has changed then.
    """
    run(connection, f"set lock_timeout = {LOCK_MILLISECONDS}")
    try:
        for attempt in range(attempts or ATTEMPTS):
            if attempt:
                time.sleep(PAUSE_SECONDS)
            try:
                run(connection, statement)
            except errors.LockNotAvailable:
                continue
            return True
        return False
    finally:
        run(connection, "set lock_timeout = 0")


def _place(url: str) -> str:
    parts = psycopg.conninfo.conninfo_to_dict(url)
    return f"{parts.get('host', 'localhost')}/{parts.get('dbname', '')}"


def _first_line(error: psycopg.Error) -> str:
    return str(error).strip().split("\n", 1)[0]
