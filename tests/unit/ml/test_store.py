"""The MLflow store, made by a process that may be killed at any moment of it."""

import signal
import subprocess
import sys
from pathlib import Path

from ml.store import DATABASE, open_store

KILLED_WHILE_TABLES_ARE_MADE = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import Engine, event
from ml.store import initialise

def stop(connection, cursor, statement, *_):
    if "CREATE TABLE trace_info" in statement:
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(Engine, "after_cursor_execute", stop)
initialise(Path(sys.argv[1]))
"""


def test_a_store_whose_maker_was_killed_is_made_anew(tmp_path: Path) -> None:
    made = subprocess.run([sys.executable, "-c", KILLED_WHILE_TABLES_ARE_MADE, str(tmp_path)], check=False)
    assert made.returncode == -signal.SIGKILL
    assert not (tmp_path / DATABASE).exists()
    assert [found.name for found in open_store(tmp_path).search_experiments()] == ["Default"]


def test_a_store_that_is_there_is_let_be(tmp_path: Path) -> None:
    open_store(tmp_path).create_experiment("kept")
    assert {found.name for found in open_store(tmp_path).search_experiments()} == {"Default", "kept"}
