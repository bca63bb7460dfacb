"""What a kill, a full disk or bad rows leave behind: nothing half visible."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import Door, csv, files_of, order

from orchestration.landing import LandingError, batches
from orchestration.landing import run as landing_run


def test_a_file_with_bad_rows_only_is_an_error_that_names_rule_and_line_and_stays_in_quarantine(door: Door) -> None:
    door.put("orders_bad.csv", csv(0, bad=3))
    door.put("orders_good.csv", csv(2))
    report = door.land()
    (error,) = report.errors
    assert "all 3 rows are bad, most by the rule `min 0` in quantity (3 rows, first at line 2)" in error.message
    assert [batch.file for batch in report.landed] == ["orders_good.csv"]
    assert len(door.quarantine()) == 3
    assert len(batches(door.state)["orders"]) == 1


def test_quarantine_of_an_earlier_attempt_goes_when_a_corrected_mapping_accepts_all(door: Door) -> None:
    door.put("orders.csv", csv(0, bad=2))
    door.land()
    select = "select file_line, order_id, 1 as line_number, ordered_at, 1 as quantity, unit_price from landed"
    (door.folder / "orders.sql").write_text(select)
    (batch,) = door.land().landed
    assert batch.accepted == 2
    assert not files_of(door.state.quarantine)


def test_what_a_killed_run_left_is_swept_and_the_same_batch_lands(door: Door) -> None:
    door.put("orders.csv", csv(2))
    door.land()
    wanted = files_of(door.state.raw)
    leftover = door.state.temporary / "landing" / "0123" / "batch"
    for path in door.state.raw.rglob("*"):
        if path.is_file():
            path.unlink()
    leftover.mkdir(parents=True)
    (leftover / "tmp_rows.parquet").write_bytes(b"half")
    for folder in sorted(door.state.raw.glob("*/*")):
        folder.rmdir()
    door.land()
    assert files_of(door.state.raw) == wanted
    assert not files_of(door.state.temporary)


class _Failing:
    """A connection whose n-th COPY meets a full disk."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, copies: int, error: Exception) -> None:
        self.connection, self.copies, self.error = connection, copies, error

    def execute(self, statement: str, *more: Any) -> Any:
        if statement.strip().startswith("copy"):
            self.copies -= 1
            if self.copies < 0:
                raise self.error
        return self.connection.execute(statement, *more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def __enter__(self) -> _Failing:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()


@pytest.mark.parametrize(
    ("copies", "error"),
    [
        (0, duckdb.IOException("IO Error: Could not write file: No space left on device")),
        (1, OSError(errno.ENOSPC, "Auf dem Gerät ist kein Speicherplatz mehr verfügbar")),
        (2, duckdb.OutOfMemoryException("Out of Memory Error: failed to offload data block")),
        (3, duckdb.IOException("IO Error: Could not write file: No space left on device")),
    ],
)
def test_a_full_disk_stops_the_landing_with_nothing_half_visible(door: Door, copies: int, error: Exception) -> None:
    door.put("orders.csv", csv(3, bad=1))
    with pytest.raises(LandingError, match=r"orders\.csv: the disk is full"):
        door.land(connect=lambda: _Failing(door.connect(), copies, error))
    assert not files_of(door.state.raw)
    assert not files_of(door.state.temporary)
    (batch,) = door.land().landed
    assert batch.accepted == 3


def test_malformed_lines_are_those_of_their_own_file(make_door: Callable[..., Door]) -> None:
    door = make_door({"orders": {"files": "orders*"}, "customers": {"files": "customers*"}})
    malformed = "o,1,2025-06-01,1,9.90,one field more\n"
    for number in range(1, 4):
        door.put(f"orders_{number}.csv", csv(5) + malformed * number)
        door.put(f"customers_{number}.csv", "account_id,email\n" + "a1,a@x.org\n" + "a2,b@x.org,more\n" * number)
    assert {batch.file: batch.quarantined for batch in door.land().landed} == {
        f"{touchpoint}_{number}.csv": number for touchpoint in ("orders", "customers") for number in range(1, 4)
    }


def test_after_a_full_disk_no_file_of_another_touchpoint_is_begun(
    make_door: Callable[..., Door], monkeypatch: pytest.MonkeyPatch
) -> None:
    door = make_door({"orders": {"files": "orders*"}, "customers": {"files": "customers*"}})
    for number in range(40):
        door.put(f"orders_{number:02}.csv", csv(3 + number))
    door.put("customers.csv", "account_id\n" + "".join(f"a{n}\n" for n in range(20_000)))
    prepare = landing_run.prepare

    def fills_the_disk(connection: Any, job: Any, *rest: Any) -> Any:
        if job.contract.name == "customers":
            raise OSError(errno.ENOSPC, "No space left on device")
        return prepare(connection, job, *rest)

    monkeypatch.setattr(landing_run, "prepare", fills_the_disk)
    with pytest.raises(LandingError, match=r"customers\.csv: the disk is full"):
        door.land()
    monkeypatch.undo()
    assert len(door.land().landed) > 30


def test_quarantine_appears_before_its_batch(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    door.put("orders.csv", csv(3, bad=1))
    seen: list[bool] = []
    rename = Path.rename
    monkeypatch.setattr(Path, "rename", lambda self, to: seen.append(bool(door.quarantine())) or rename(self, to))
    door.land()
    assert seen == [True]


@pytest.mark.parametrize(
    ("name", "content"), [("orders.csv", csv(2)), ("orders.jsonl", order() + order(order_id="o2"))]
)
def test_a_small_file_needs_little_memory(door: Door, name: str, content: str) -> None:
    door.put(name, content)
    report = door.land(connect=lambda: duckdb.connect(config={"threads": 1, "memory_limit": "128MB"}))
    assert [batch.accepted for batch in report.landed] == [2], report.errors
