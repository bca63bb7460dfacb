"""How instants, numbers and amounts are written in files, and what they become."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conftest import Door, order

from orchestration.landing import LandingError

INSTANTS = {
    "2025-06-01 12:00:00": "2025-06-01 10:00:00",  # summer in Berlin
    "2025-01-01": "2024-12-31 23:00:00",
    "2025-01-01T12:00": "2025-01-01 11:00:00",
    "2025-06-01T12:00:00Z": "2025-06-01 12:00:00",
    "2025-06-01T12:00Z": "2025-06-01 12:00:00",
    "2025-06-01 12:00:00.25+05:30": "2025-06-01 06:30:00.25",
    "2025-06-01T12:00-0200": "2025-06-01 14:00:00",
    "2025-06-01 13:45:00 +0200": "2025-06-01 11:45:00",  # as Shopify exports it
    "2025-06-01 13:45:00 -02:00": "2025-06-01 15:45:00",
    "2025-06-01 13:45 +0200": "2025-06-01 11:45:00",
    "2025-06-01 13:45:00.5 +02": "2025-06-01 11:45:00.5",
    "2025-06-01 13:45:00 Z": "2025-06-01 13:45:00",
    "2025-06-01 13:45 UTC": "2025-06-01 13:45:00",
    "2025-06-01T13:45:00z": "2025-06-01 13:45:00",
    "2025-06-01T13:45:00UTC": "2025-06-01 13:45:00",
    "2025-03-30 02:30:00": "2025-03-30 01:30:00",  # does not exist
    "2024-10-27 02:30:00": "2024-10-27 01:30:00",  # exists twice
}


def test_instants_become_naive_utc_by_their_offset_or_the_shops_zone(door: Door) -> None:
    door.put("orders.jsonl", "".join(order(order_id=told, ordered_at=told) for told in INSTANTS))
    door.land()
    found = door.rows("orders", "order_id, ordered_at::varchar, occurred_at::varchar")
    assert {told: (utc, utc) for told, utc in INSTANTS.items()} == {told: tuple(utc) for told, *utc in found}


def test_a_touchpoint_may_have_a_time_zone_of_its_own(make_door: Callable[..., Door]) -> None:
    door = make_door({"orders": {"files": "*", "time_zone": "America/New_York"}})
    door.put("orders.jsonl", order(ordered_at="2025-06-01 12:00:00"))
    door.land()
    assert door.rows("orders", "occurred_at::varchar") == [("2025-06-01 16:00:00",)]


@pytest.mark.parametrize(
    ("written", "settings", "price"),
    [
        ("€ 1.234,50", {"decimal": ","}, "1234.5000"),
        ("1 234,50 EUR", {"decimal": ","}, "1234.5000"),
        ("-€5.00", {}, None),  # a price is not below zero, but it is a number
        ("EUR 5.25", {}, "5.2500"),
        ("5.25€", {}, "5.2500"),
        ("$5.25", {}, None),
        ("5.25 PCS", {}, None),
        ("1,234.50", {}, None),
        ("1,234.50", {"thousands": ","}, "1234.5000"),
        ("1,234", {"thousands": ","}, "1234.0000"),
        ("1'234.50", {"thousands": "'"}, "1234.5000"),
        ("12,34", {"thousands": ","}, None),
    ],
)
def test_an_amount_may_be_written_with_the_shops_currency_and_parted_thousands(
    make_door: Callable[..., Door], written: str, settings: dict[str, str], price: str | None
) -> None:
    door = make_door({"orders": {"files": "o*", **settings}})
    door.put("o.jsonl", order(order_id="other", unit_price="1") + order(unit_price=written))
    door.land()
    found = dict(door.rows("orders", "order_id, unit_price::varchar"))
    assert found.get("o1") == price
    assert door.quarantine("column_name") == ([] if price else [("unit_price",)])


def test_a_foreign_currency_is_accepted_from_the_day_of_its_first_rate(door: Door) -> None:
    (door.folder / "rates.csv").write_text("currency,date,rate\nUSD,2025-06-01,0.92\nUSD,2025-06-09,0.93\n")
    door.put(
        "orders.jsonl",
        order(order_id="a", currency="USD", ordered_at="2025-05-31T12:00:00Z")
        + order(order_id="b", currency="USD")
        + order(order_id="c", currency="GBP"),
    )
    door.land()
    assert door.rows("orders", "order_id, currency") == [("b", "USD")]
    assert [line for line, *_ in door.quarantine()] == [1, 3]


@pytest.mark.parametrize(
    "content", ["currency,rate\n", "currency,date,rate\nUSD,1.6.2025,1\n", "currency,date,rate\nUSD,2025-06-01,0\n"]
)
def test_rates_that_cannot_be_read_are_named(door: Door, content: str) -> None:
    (door.folder / "rates.csv").write_text(content)
    door.put("orders.jsonl", order())
    with pytest.raises(LandingError, match=r"rates\.csv"):
        door.land()


EUROPEAN = {"orders": {"files": "o*", "decimal": ",", "date_format": ["%d.%m.%Y %H:%M", "%d.%m.%Y"]}}
EUROPEAN_HEADER = "order_id;line_number;ordered_at;quantity;unit_price\n"


def test_decimal_commas_and_days_before_months_are_read_as_shop_yml_says(make_door: Callable[..., Door]) -> None:
    door = make_door(EUROPEAN)
    rows = ["o1;1;13.06.2025 10:30;2;1.234,50", "o2;1;03.04.2025;1,5;-0", "o3;1;2025-06-01T10:00:00Z;1.000;,5"]
    door.put("o.csv", EUROPEAN_HEADER + "\n".join(rows))
    door.land()
    assert door.rows("orders", "order_id, occurred_at::varchar, quantity::varchar, unit_price::varchar") == [
        ("o1", "2025-06-13 08:30:00", "2.000", "1234.5000"),
        ("o2", "2025-04-02 22:00:00", "1.500", "0.0000"),
        ("o3", "2025-06-01 10:00:00", "1000.000", "0.5000"),
    ]


@pytest.mark.parametrize(
    ("cells", "column", "value", "rule"),
    [
        ("31.02.2025;1;1", "ordered_at", "31.02.2025", "no timestamp"),
        ("13/06/2025;1;1", "ordered_at", "13/06/2025", "no timestamp"),
        ("13.06.25;1;1", "ordered_at", "13.06.25", "no timestamp"),
        ("13.06.2025;1;1,234.50", "unit_price", "1,234.50", "no decimal(18,4)"),
        ("13.06.2025;1;12.34", "unit_price", "12.34", "no decimal(18,4)"),
        ("13.06.2025;1;9,90 $", "unit_price", "9,90 $", "no decimal(18,4)"),
    ],
)
def test_what_is_written_otherwise_is_quarantined_with_its_own_value(
    make_door: Callable[..., Door], cells: str, column: str, value: str, rule: str
) -> None:
    door = make_door(EUROPEAN)
    door.put("o.csv", f"{EUROPEAN_HEADER}o1;1;13.06.2025;1;1\no2;1;{cells}\n")
    door.land()
    assert door.quarantine("file, line, column_name, value, rule") == [("o.csv", 3, column, value, rule)]


def test_a_number_that_is_one_in_the_file_is_not_read_by_its_comma(make_door: Callable[..., Door]) -> None:
    door = make_door(EUROPEAN)
    door.put_parquet(
        "o.parquet",
        "select 'o1' as order_id, 1 as line_number, '13.06.2025' as ordered_at, 1 as quantity,"
        " 12.345::double as unit_price",
    )
    door.land()
    assert door.rows("orders", "unit_price::varchar") == [("12.3450",)]


def test_windows_1252_is_read_where_shop_yml_says_so_with_its_lines(make_door: Callable[..., Door]) -> None:
    door = make_door({"orders": {"files": "o*", "encoding": "windows-1252"}})
    text = "order_id,line_number,ordered_at,quantity,unit_price,channel\no1,1,2025-06-01,1,1,Größe\no2,1,nie,1,1,€\n"
    door.put("o.csv", text.encode("cp1252"))
    door.land()
    assert door.rows("orders", "channel") == [("Größe",)]
    assert door.quarantine("line, value, json_extract_string(raw_row, 'channel')") == [(3, "nie", "€")]


def test_a_contract_in_a_foreign_currency_needs_a_rate_too(make_door: Callable[..., Door]) -> None:
    door = make_door({"subscriptions": {"files": "s*"}}, churn={"mode": "subscription"})
    (door.folder / "rates.csv").write_text("currency,date,rate\nUSD,2025-06-01,0.92\n")
    door.put(
        "s.csv",
        "subscription_id,account_id,price,currency,started_at,status,updated_at\n"
        "early,1,10,USD,2025-05-01,active,2025-05-01\n"
        "good,2,10,USD,2025-05-01,active,2025-06-02\n"
        "strange,3,10,GBP,2025-05-01,active,2025-06-02\n",
    )
    door.land()
    assert door.rows("subscriptions", "subscription_id, currency") == [("good", "USD")]
    assert door.quarantine("line, rule") == [(2, "currency without rate"), (4, "currency without rate")]
