"""A full disk, in whatever words it comes, is one line that says what to do."""

import errno
import shutil
import sqlite3
import sys
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pyarrow as pa
import pytest

from orchestration import cli
from orchestration.disk import ADVICE, advised, is_full


def wrapped(error: Exception) -> Exception:
    outer = RuntimeError("the stage stopped")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "Auf dem Gerät ist kein Speicherplatz mehr verfügbar"),
        pa.ArrowInvalid("Error writing bytes to file. Detail: [errno 28] No space left on device"),
        duckdb.IOException('IO Error: Could not write all bytes to file "/x": wanted=8 wrote=0'),
        sqlite3.OperationalError("database or disk is full"),
        wrapped(sqlite3.OperationalError("database or disk is full")),
    ],
)
def test_every_librarys_way_to_say_it_is_known(error: Exception) -> None:
    assert is_full(error)


def test_other_errors_are_not_taken_for_it() -> None:
    assert not is_full(wrapped(FileNotFoundError(errno.ENOENT, "no such file")))
    assert advised("no such file") == "no such file"


@pytest.mark.parametrize(("free", "expected"), [(4096, True), (10**9, False)])
def test_an_error_of_reading_is_a_full_disk_where_there_is_no_room(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, expected: bool
) -> None:
    """SQLite's words for a broken disk too."""
    monkeypatch.setenv("REGULARS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=free if folder == tmp_path else 0))
    assert is_full(wrapped(sqlite3.OperationalError("disk I/O error"))) is expected


def test_the_message_of_a_stage_says_what_to_do_once() -> None:
    said = advised("could not extend file: No space left on device\nHINT: Check free disk space.")
    assert said.endswith(ADVICE)
    assert "HINT" not in said
    assert advised(said) == said


def test_a_command_ends_with_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full() -> None:
        raise wrapped(OSError(errno.ENOSPC, "No space left on device"))

    monkeypatch.setattr(cli, "app", full)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert ADVICE in capsys.readouterr().err


def test_any_other_surprise_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "app", lambda: sys.modules["no such module"])
    with pytest.raises(KeyError):
        cli.main()
