"""Batches: immutable, balanced, visible whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import NOW, Door

from orchestration.landing import LandingError, batches, load_contract, rehearsal
from orchestration.landing import run as landing_run
from orchestration.landing.contract import SYSTEM_COLUMNS

HEADER = "order_id,line_number,ordered_at,quantity,unit_price"
GOOD = "o{},1,2025-06-01,1,9.90"
BAD = "o{},1,2025-06-01,-1,9.90"


def csv(good: int, bad: int = 0) -> str:
    return "\n".join([HEADER, *map(GOOD.format, range(good)), *map(BAD.format, range(bad))]) + "\n"


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_batch_has_the_contracts_columns_then_the_systems_and_a_manifest_that_balances(door: Door) -> None:
    path = door.put("orders.csv", csv(3, bad=2))
    (batch,) = door.land().landed
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert batch.batch_id == hashlib.sha256(f"orders{digest}".encode()).hexdigest()[:16]
    folder = door.state.raw / "orders" / batch.batch_id
    described = duckdb.connect().execute("describe from read_parquet(?)", [str(folder / "rows.parquet")]).fetchall()
    contract = load_contract()["orders"]
    assert [name for name, *_ in described] == [*(column.name for column in contract.columns), *SYSTEM_COLUMNS]
    types = {column.name: column.data_type.upper() for column in contract.columns}
    assert {name: kind for name, kind, *_ in described if name in types} == types
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["rows_in"] == 5
    assert manifest["rows_in"] == sum(
        manifest[part] for part in ("accepted", "quarantined", "duplicates", "refused", "erased")
    )
    assert (manifest["file"], manifest["sha256"], manifest["landed_at"]) == (
        "orders.csv",
        digest,
        "2025-07-01T12:00:00",
    )
    assert manifest["rules"] == [{"rule": "min 0", "column": "quantity", "rows": 2, "first_line": 5}]
    assert batches(door.state) == {"orders": [batch]}


def test_the_same_bytes_under_any_name_are_no_second_batch(door: Door) -> None:
    door.put("orders.csv", csv(3))
    door.land()
    before = {path: path.stat().st_mtime_ns for path in door.state.raw.rglob("*")}
    door.put("orders_again.csv", csv(3))
    report = door.land(now=NOW + timedelta(days=1))
    assert report.landed == ()
    assert sorted(report.unchanged) == ["orders.csv", "orders_again.csv"]
    assert {path: path.stat().st_mtime_ns for path in door.state.raw.rglob("*")} == before


def test_an_untouched_file_is_not_even_read_again(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    door.put("orders.csv", csv(3))
    door.land()
    monkeypatch.setattr("orchestration.landing.run.fingerprint", lambda _: pytest.fail("read"))
    assert door.land().unchanged == ("orders.csv",)


def test_assumed_consent_stands_in_every_manifest(make_door: Callable[..., Door]) -> None:
    door = make_door(consent={"profiling": {"basis": "assume", "because": "research data"}})
    door.put("orders.csv", csv(1))
    (batch,) = door.land().landed
    assert batch.consent_assumptions == ("profiling is assumed, because: research data",)


def test_the_bytes_of_a_batch_do_not_hang_on_threads(tmp_path: Path) -> None:
    # More than one row group and many chunks, so that threads could disagree.
    query = (
        "select 'o' || hash(i) as order_id, i as line_number, 1 as quantity, 9.9 as unit_price,"
        " timestamp '2020-01-01' + interval (i) minute as ordered_at from range(130_000) r(i)"
    )
    found = set()
    for threads in (1, 2):
        door = Door(tmp_path / str(threads), {"orders": {"files": "*"}}, threads=threads)
        door.put_parquet("orders.parquet", query)
        door.land()
        (path,) = door.state.raw.glob("*/*/rows.parquet")
        found.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(found) == 1


def test_rows_stand_in_the_order_of_their_key_whatever_the_order_of_the_file(tmp_path: Path) -> None:
    lines = [f"o{number % 7},{number},2025-06-01,1,1" for number in range(50)] + ["o1,1,2025-06-01,2,2"]
    found = []
    for turn in (1, -1):
        door = Door(tmp_path / str(turn), {"orders": {"files": "*"}})
        door.put("orders.csv", "\n".join([HEADER, *lines[::turn]]))
        door.land()
        found.append(door.rows("orders", "* exclude batch_id"))
    assert found[0] == found[1]
    keys = [row[:2] for row in found[0]]
    assert keys == sorted(keys)


def test_a_csv_read_by_two_threads_keeps_its_lines(tmp_path: Path) -> None:
    door = Door(tmp_path, {"orders": {"files": "*"}}, threads=2)
    padding = "x" * 150
    lines = [HEADER, *(GOOD.format(f"{number}{padding}") for number in range(70_000))]  # above DuckDB's 8 MB a thread
    lines[60_000] = BAD.format("x")
    door.put("orders.csv", "\n".join(lines))
    door.land()
    assert door.quarantine("line, typeof(line)") == [(60_001, "BIGINT")]


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


def test_no_report_and_no_manifest_carries_a_value(make_door: Callable[..., Door]) -> None:
    door = make_door({"customers": {"files": "c*"}, "orders": {"files": "o*"}})
    door.put(
        "c.csv", "account_id,email,birth_date\na1,ada@x.org,hidden1\n,bob@x.org,2000-01-01\nc3,c@x.org,2000-01-01\n"
    )
    door.put("o.csv", f"{HEADER}\nhidden2,1,hidden3,1,1\n")
    said = "\n".join(door.land().lines())
    said += "".join(path.read_text() for path in door.state.raw.rglob("manifest.json"))
    assert "2 quarantined" in said
    assert not [value for value in ("x.org", "hidden") if value in said]


def test_check_says_the_same_and_writes_nothing(door: Door) -> None:
    door.put("orders.csv", csv(3, bad=2))
    door.put("orders_bad.csv", csv(0, bad=2))
    before = files_of(door.root)
    with rehearsal(door.shop, door.state, door.landing, now=NOW, connect=door.connect) as rehearsed:
        told = rehearsed.report
    assert files_of(door.root) == before
    done = door.land()
    assert told.lines() == done.lines()


def test_the_landing_instant_is_utc_whatever_zone_the_clock_has(door: Door) -> None:
    door.put("orders.csv", csv(1))
    (batch,) = door.land(now=datetime.fromisoformat("2025-07-01T14:00:00+02:00")).landed
    assert batch.landed_at == "2025-07-01T12:00:00"
    assert door.rows("orders", "known_at") == [(NOW.astimezone(UTC).replace(tzinfo=None),)]


def test_a_batch_does_not_hang_on_the_time_zone_of_the_session(make_door: Callable[..., Door]) -> None:
    door = make_door({"products": {"files": "p*"}, "orders": {"files": "o*"}})
    instant = "timestamptz '2025-06-01 00:30:00+00'"
    door.put_parquet("p.parquet", f"select 'p1' as product_id, {instant} as launched_date, {instant} as updated_at")

    def connect_in_new_york() -> duckdb.DuckDBPyConnection:
        connection = door.connect()
        connection.execute("set TimeZone = 'America/New_York'")
        return connection

    door.land(connect=connect_in_new_york)
    found = door.rows("products", "launched_date::varchar, occurred_at::varchar")
    assert found == [("2025-06-01", "2025-06-01 00:30:00")]
