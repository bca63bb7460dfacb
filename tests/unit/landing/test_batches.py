"""Batches: immutable, balanced, visible whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from conftest import BAD, GOOD, HEADER, NOW, Door, csv, files_of

from orchestration.landing import batches, load_contract, rehearsal
from orchestration.landing.contract import SYSTEM_COLUMNS


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
