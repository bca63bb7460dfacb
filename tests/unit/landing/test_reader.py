"""Formats: what is read, and where each row stands."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable

import pytest
from conftest import Door

HEADER = "order_id,line_number,ordered_at,quantity,unit_price"


def row(number: int) -> str:
    return f"o{number},1,2025-06-01 10:00:00,1,9.90"


@pytest.mark.parametrize(("name", "mark"), [("orders.csv", ","), ("orders.csv.gz", ";"), ("orders.tsv", "\t")])
def test_csv_is_read_with_any_usual_delimiter_compressed_or_not(door: Door, name: str, mark: str) -> None:
    door.put(name, "\n".join([HEADER, row(1), row(2)]).replace(",", mark))
    door.land()
    assert door.rows("orders", "order_id, unit_price::double") == [("o1", 9.9), ("o2", 9.9)]


@pytest.mark.parametrize("name", ["orders.CSV", "orders.csv.GZ", "orders.Csv.Gz", "orders.JSONL.GZ", "orders.PARQUET"])
@pytest.mark.parametrize("encoding", ["utf-8", "windows-1252"])
def test_upper_and_lower_case_in_the_end_of_a_name_are_the_same(
    make_door: Callable[..., Door], name: str, encoding: str
) -> None:
    door = make_door({"orders": {"files": "orders*", "encoding": encoding}})
    cells = dict(zip(HEADER.split(","), row(1).split(","), strict=True))
    if name.endswith("PARQUET"):
        door.put_parquet(name, f"select {', '.join(f'{cell!r} as {column}' for column, cell in cells.items())}")
    else:
        text = json.dumps(cells) if "JSON" in name else f"{HEADER}\n{row(1)}"
        door.put(name, gzip.compress(text.encode()) if name.lower().endswith("gz") else text)
    assert door.land().errors == ()
    assert door.rows("orders", "order_id") == [("o1",)]


@pytest.mark.parametrize("name", ["orders.jsonl", "orders.jsonl.gz", "orders.ndjson"])
def test_json_lines_are_read_and_may_lack_keys(door: Door, name: str) -> None:
    first = '{"order_id":"o1","line_number":1,"ordered_at":"2025-06-01","quantity":1,"unit_price":9.9,"channel":"web"}'
    second = '{"unit_price":1e1,"quantity":2,"line_number":1,"ordered_at":"2025-06-01","order_id":"o2"}'
    door.put(name, f"{first}\n{second}\n")
    door.land()
    assert door.rows("orders", "order_id, unit_price::double, channel") == [("o1", 9.9, "web"), ("o2", 10.0, None)]


def test_parquet_keeps_its_types_and_whole_floats_are_ids_without_a_fraction(door: Door) -> None:
    door.put_parquet(
        "orders.parquet",
        "select 'o1' as order_id, 1 as line_number, timestamp '2025-06-01 12:00' as ordered_at,"
        " 13085::double as account_id, 2::smallint as quantity, 0.1::double as unit_price",
    )
    door.land()
    assert door.rows("orders", "account_id, quantity::double, unit_price::double, occurred_at::varchar") == [
        ("13085", 2.0, 0.1, "2025-06-01 10:00:00")
    ]


def test_the_line_of_a_bad_row_is_its_physical_line_among_breaks_blanks_and_malformed_rows(door: Door) -> None:
    lines = [
        HEADER.replace("order_id", "channel,order_id"),
        f'"two\nlines",{row(1)}',  # lines 2 and 3
        "",
        f"web,{row(2)}",  # line 5
        "web,too,few",  # line 6
        f"web,{row(3)}".replace("9.90", "-1"),  # line 7
        f'"and\n\nthree",{row(4)}'.replace("9.90", "cheap"),  # lines 8 to 10
        f"web,{row(5)},and,more",  # line 11
        f"web,{row(6)}".replace("o6", " "),  # line 12
    ]
    door.put("orders.csv", "\n".join(lines) + "\n")
    door.land()
    assert door.quarantine() == [
        (6, None, "malformed: fewer fields than the header has"),
        (7, "unit_price", "min 0"),
        (8, "unit_price", "no decimal(18,4)"),
        (11, None, "malformed: more fields than the header has"),
        (12, "order_id", "required"),
    ]


def test_lines_are_right_without_any_quote_or_blank_line_too(door: Door) -> None:
    door.put("orders.csv", "\n".join([HEADER, row(1), "few,fields", row(2), row(3).replace("9.90", "-1")]))
    door.land()
    assert [line for line, *_ in door.quarantine()] == [3, 5]


def test_mixed_line_endings_are_read_and_keep_their_lines(door: Door) -> None:
    note = '"a cell\r\nwith a break"'
    door.put("orders.csv", f"channel,{HEADER}\n{note},{row(1)}\nweb,{row(2)}\r\nweb,{row(3)}".replace("o3", ""))
    report = door.land()
    assert report.rows_in == 3
    assert door.quarantine() == [(5, "order_id", "required")]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", f'"o9",{row(9)[3:]}'])
def test_every_line_that_an_open_quote_swallows_is_counted_and_in_quarantine(door: Door, end: str, last: str) -> None:
    swallowed = ['"o2,1,2025-06-01,1,1', *map(row, range(3, 9)), "", *([last] if last else [])]
    door.put("orders.csv", end.join([HEADER, row(1), *swallowed]) + end)
    report = door.land()
    lines = [line for line, text in enumerate(swallowed, start=3) if text]
    (batch,) = report.landed
    assert (batch.rows_in, batch.accepted, batch.quarantined) == (1 + len(lines), 1, len(lines))
    found = sorted(door.quarantine("line, raw_row, rule"))
    assert [line for line, *_ in found] == lines
    assert [json.loads(raw)["text"] for _, raw, _ in found] == [text for text in swallowed if text]
    assert f"quarantine: {len(lines)} x malformed: a quote that is not closed" in "\n".join(report.lines())


def test_malformed_json_lines_go_to_quarantine_with_their_line(door: Door) -> None:
    good = '{"order_id":"o1","line_number":1,"ordered_at":"2025-06-01","quantity":1,"unit_price":9.9}'
    door.put("orders.jsonl", f"{good}\n\n{good[:-1]}\n[1]\n{good.replace('9.9', '-9')}\n")
    door.land()
    malformed = "malformed: no JSON object"
    assert door.quarantine() == [(3, None, malformed), (4, None, malformed), (5, "unit_price", "min 0")]


def test_a_column_may_have_any_name_that_json_allows(make_door: Callable[..., Door]) -> None:
    door = make_door({"orders": {"files": "*.jsonl", "columns": {"order_id": 'no/of ~"it"'}}})
    door.put(
        "a.jsonl",
        '{"no\\/of ~\\"it\\"":"o1","line_number":1,"ordered_at":"2025-06-01","quantity":1,"unit_price":9.9}',
    )
    door.land()
    assert door.rows("orders", "order_id") == [("o1",)]


def test_glob_characters_in_a_file_name_read_that_file_only(door: Door) -> None:
    door.put("orders[1]*.csv", f"{HEADER}\n{row(1)}\n")
    door.put("orders1x.csv", f"{HEADER}\n{row(2)}\n")
    report = door.land()
    assert [batch.accepted for batch in report.landed] == [1, 1]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("orders.csv", b"", "0 bytes"),
        ("orders.jsonl", b"\n\n", "no rows"),
        ("orders.json", b'[{"order_id": 1}, {"order_id": 2}]', "is a JSON array; it has to hold one object per line"),
        ("orders.json", b'\n[\n{"order_id": 1},\n{"order_id": 2}\n]\n', "as `jq -c '.[]' orders.json` writes it"),
        ("orders.json", b'[\n  {\n    "order_id": 1\n  }\n]\n', "is a JSON array"),
        ("orders.json", b'{\n  "order_id": 1\n}\n', "as `jq -c '.' orders.json` writes it"),
        ("orders.csv", f"{HEADER}\n{row(1)}\nM\u00fcller".encode("latin-1"), "line 3 is not UTF-8"),
        ("orders.csv", f"{HEADER}\n{row(1)}".encode("utf-16"), "UTF-16"),
        ("orders.csv", b"a,b,A\n1,2,3", "'a' stands there twice"),
        ("orders.csv", b"file_line,b\n1,2", "may not be called 'file_line'"),
        ("orders.parquet", b"PAR1 cut short", "parquet"),
        ("orders.xlsx", b"PK", "unknown format .xlsx"),
    ],
)
def test_an_unusable_file_is_named_with_the_reason_and_stops_only_itself(
    door: Door, name: str, content: bytes, words: str
) -> None:
    door.put(name, content)
    door.put("orders_good.csv", f"{HEADER}\n{row(1)}\n")
    report = door.land()
    (error,) = report.errors
    assert error.file == name
    assert words in error.message
    assert [batch.file for batch in report.landed] == ["orders_good.csv"]


@pytest.mark.parametrize("name", ["orders.csv", "orders.csv.gz", "orders.parquet"])
def test_columns_without_a_row_are_a_batch_of_nothing_that_lands_once(door: Door, name: str) -> None:
    """Of a day without orders; the same bytes under the next day's name are nothing new."""
    if name.endswith("parquet"):
        door.put_parquet(name, f"select {', '.join(f'1 as {column}' for column in HEADER.split(','))} where false")
    else:
        door.put(name, f"{HEADER}\r\n")
    first, second = door.land(), door.land()
    assert (first.errors, second.errors) == ((), ())
    assert first.lines() == [f"orders: {name}: columns and no row, as on a day on which nothing happened"]
    assert second.unchanged == (name,)
    assert door.rows("orders") == []
    assert not door.quarantine()
    door.put("orders_2.csv", f"{HEADER}\n{row(1)}\n")
    assert [batch.accepted for batch in door.land().landed] == [1]


def test_columns_without_a_row_have_to_be_the_right_ones(door: Door) -> None:
    door.put("orders.csv", "order,line\n")
    (error,) = door.land().errors
    assert "the file has no column 'order_id'" in error.message


@pytest.mark.parametrize("cut", [-20, 200])
def test_a_truncated_gzip_file_is_refused_as_a_whole(door: Door, cut: int) -> None:
    whole = gzip.compress("\n".join([HEADER, *map(row, range(2000))]).encode())
    (door.landing / "orders.csv.gz").write_bytes(whole[:cut])
    report = door.land()
    assert "truncated" in report.errors[0].message
    assert not door.rows("orders")
