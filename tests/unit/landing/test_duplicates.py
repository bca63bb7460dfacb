"""The same again, and what only looks like it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from conftest import NOW, Door

HEADER = "order_id,line_number,ordered_at,quantity,unit_price,status"


def order(number: int, status: str = "placed", day: int = 1) -> str:
    return f"o{number},1,2025-06-{day:02d}T00:00:00Z,1,9.90,{status}"


def csv(*rows: str, header: str = HEADER) -> str:
    return "\n".join([header, *rows]) + "\n"


def test_a_row_said_twice_in_a_file_or_again_in_a_later_one_is_counted_and_dropped(door: Door) -> None:
    door.put("orders_1.csv", csv(order(1), order(2), order(1)))
    door.put("orders_2.csv", csv(order(2), order(3)))
    first, second = door.land().landed
    assert (first.accepted, first.duplicates) == (2, 1)
    assert (second.accepted, second.duplicates) == (1, 1)
    assert [order_id for (order_id,) in door.rows("orders", "order_id")] == ["o1", "o2", "o3"]


def test_the_same_key_with_new_content_is_a_version(door: Door) -> None:
    door.put("orders_1.csv", csv(order(1), order(1, "shipped")))
    door.put("orders_2.csv", csv(order(1, "returned")))
    assert [batch.duplicates for batch in door.land().landed] == [0, 0]
    assert sorted(door.rows("orders", "status")) == [("placed",), ("returned",), ("shipped",)]


def test_within_a_file_the_earliest_known_of_equal_rows_stays(make_door: Callable[..., Door]) -> None:
    door = make_door({"orders": {"files": "*", "known_at": "loaded"}})
    days = ["2025-06-05", "2025-06-03", "2025-06-04"]
    door.put("o.csv", csv(*(f"{order(1)},{day}T00:00:00Z" for day in days), header=HEADER + ",loaded"))
    (batch,) = door.land().landed
    assert (batch.accepted, batch.duplicates) == (1, 2)
    assert door.rows("orders", "known_at::varchar") == [("2025-06-03 00:00:00",)]


def test_equal_rows_meet_across_batches_whose_instants_overlap_only_at_the_edge(door: Door) -> None:
    door.put("orders_1.csv", csv(order(1, day=1), order(2, day=5)))
    door.put("orders_2.csv", csv(order(2, day=5), order(3, day=9)))
    door.put("orders_3.csv", csv(order(4, day=20)))
    assert [batch.duplicates for batch in door.land().landed] == [0, 1, 0]


def test_a_state_that_comes_back_is_a_version_where_it_has_no_instant_of_its_own(
    make_door: Callable[..., Door],
) -> None:
    door = make_door({"customers": {"files": "c*"}, "orders": {"files": "o*"}})
    for day, tier in enumerate(["gold", "gold", "silver", "gold"]):
        door.put(f"c{day}.csv", f"account_id,loyalty_tier,city\na1,{tier},Ulm\na2,basic,Ulm{day // 3}\n")
        door.land(now=NOW + timedelta(days=day))
    tiers = door.rows("customers", "account_id, loyalty_tier, known_at::date::varchar")
    assert [row for row in tiers if row[0] == "a1"] == [
        ("a1", "gold", "2025-07-01"),
        ("a1", "silver", "2025-07-03"),
        ("a1", "gold", "2025-07-04"),
    ]
    assert len([row for row in tiers if row[0] == "a2"]) == 2


def test_a_version_with_its_own_instant_is_a_duplicate_wherever_it_comes_again(
    make_door: Callable[..., Door],
) -> None:
    door = make_door({"customers": {"files": "c*"}, "orders": {"files": "o*"}})
    versions = ["a1,gold,2025-01-01", "a1,silver,2025-02-01", "a1,gold,2025-01-01"]
    for day, version in enumerate(versions):
        door.put(
            f"c{day}.csv", f"account_id,loyalty_tier,updated_at\n{version}\n{'a2,basic,2025-01-0' + str(day + 1)}\n"
        )
        door.land(now=NOW + timedelta(days=day))
    assert len([row for row in door.rows("customers", "account_id") if row == ("a1",)]) == 2


@pytest.mark.parametrize(
    ("files", "versions"),
    [
        ([["placed 1"], ["cancelled 2"], ["placed 3"]], ["placed 1", "cancelled 2", "placed 3"]),
        ([["placed 3", "placed 3", "cancelled 2", "placed 1"]], ["placed 1", "cancelled 2", "placed 3"]),
        ([["placed 1", "cancelled 2"], ["cancelled 2", "placed 3"]], ["placed 1", "cancelled 2", "placed 3"]),
        ([["placed 1"], ["cancelled 3"], ["placed 1"], ["placed 2"]], ["placed 1", "cancelled 3"]),
        ([["placed 2"], ["cancelled 3"], ["placed 1"]], ["placed 2", "cancelled 3"]),
    ],
    ids=["returns", "returns in one file", "returns beside what stood", "old again", "older than all"],
)
def test_a_state_that_comes_back_by_the_files_own_clock_is_a_version_and_an_old_one_is_none(
    make_door: Callable[..., Door], files: list[list[str]], versions: list[str]
) -> None:
    door = make_door({"orders": {"files": "*", "known_at": "exported"}})
    for number, said in enumerate(files):
        states = (state.split() for state in said)
        rows = [f"{order(1, status)},2025-06-{day:0>2}T12:00:00Z" for status, day in states]
        other = f"{order(100 + number)},2025-06-20T12:00:00Z"  # so that no two files have the same bytes
        door.put(f"o{number}.csv", csv(*rows, other, header=HEADER + ",exported"))
        door.land(now=NOW + timedelta(days=number))
    landed = door.rows("orders", "day(known_at), status, order_id")
    assert [f"{status} {day}" for day, status, order_id in sorted(landed) if order_id == "o1"] == versions


@pytest.mark.parametrize("entry", [{}, {"history": True}])
def test_an_order_that_stands_again_is_a_version_without_any_clock_too(
    make_door: Callable[..., Door], entry: dict[str, bool]
) -> None:
    door = make_door({"orders": {"files": "*", **entry}})
    for day, status in enumerate(["placed", "cancelled", "placed", "placed"]):
        door.put(f"o{day}.csv", csv(order(1, status), order(100 + day)))
        door.land(now=NOW + timedelta(days=day))
    landed = sorted(door.rows("orders", "known_at::date::varchar, status, order_id"))
    first = "2025-06-01" if entry else "2025-07-01"
    assert [row[:2] for row in landed if row[2] == "o1"] == [
        (first, "placed"),
        ("2025-07-02", "cancelled"),
        ("2025-07-03", "placed"),
    ]


def test_a_log_that_tells_every_state_again_takes_none_back(door: Door) -> None:
    states = ["placed", "paid", "shipped", "shipped"]
    for day in range(1, 5):
        door.put(f"orders_{day}.csv", csv(*(order(1, status) for status in states[:day]), order(100 + day)))
        door.land(now=NOW + timedelta(days=day))
    landed = door.rows("orders", "status, day(known_at), order_id")
    assert sorted(row[:2] for row in landed if row[2] == "o1") == [("paid", 3), ("placed", 2), ("shipped", 4)]


def test_of_states_that_landed_together_the_one_that_is_told_next_stands(make_door: Callable[..., Door]) -> None:
    door = make_door({"products": {"files": "p*"}, "orders": {"files": "o*"}})
    header = "product_id,is_available"
    for day, state in enumerate(["true", "false"]):
        door.put(f"p{day}.csv", csv(f"p1,{state}", header=header))
    door.land()
    door.put("p3.csv", csv("p1,true", "p2,true", header=header))
    door.land(now=NOW + timedelta(days=1))
    assert sorted(door.rows("products", "day(known_at), product_id, is_available")) == [
        (1, "p1", False),
        (1, "p1", True),
        (2, "p1", True),
        (2, "p2", True),
    ]


def test_of_what_happened_once_no_content_comes_back(make_door: Callable[..., Door]) -> None:
    door = make_door({"events": {"files": "e*"}, "orders": {"files": "o*"}})
    for day, kind in enumerate(["view", "search", "view"]):
        rows = [f"e1,2025-06-01T10:00:00Z,{kind}", f"e10{day},2025-06-01T10:00:00Z,view"]
        door.put(f"e{day}.csv", csv(*rows, header="event_id,happened_at,event_type"))
        door.land(now=NOW + timedelta(days=day))
    assert sorted(row[1] for row in door.rows("events", "event_id, event_type") if row[0] == "e1") == ["search", "view"]


def test_null_and_empty_keys_are_the_same_row_but_null_and_a_value_are_not(make_door: Callable[..., Door]) -> None:
    door = make_door({"preferences": {"files": "p*"}, "orders": {"files": "o*"}})
    header = "account_id,email,attribute,value,set_at"
    rows = ["a1,,brand,Acme,2025-06-01", "a1, ,brand,Acme,2025-06-01", "a1,a@b.de,brand,Acme,2025-06-01"]
    door.put("p.csv", csv(*rows, header=header))
    (batch,) = door.land().landed
    assert (batch.accepted, batch.duplicates) == (2, 1)


def test_a_correction_of_history_is_known_when_it_came_and_so_it_is_the_newest(make_door: Callable[..., Door]) -> None:
    door = make_door({"orders": {"files": "o*", "history": True}})
    door.put("o1.csv", csv(order(1), order(2)))
    door.land()
    door.put("o2.csv", csv(order(1, "cancelled"), order(2), order(3)))
    door.land(now=NOW + timedelta(days=2))
    assert sorted(door.rows("orders", "order_id, status, known_at::date::varchar")) == [
        ("o1", "cancelled", "2025-07-03"),
        ("o1", "placed", "2025-06-01"),
        ("o2", "placed", "2025-06-01"),
        ("o3", "placed", "2025-06-01"),
    ]


def test_a_file_with_a_clock_of_its_own_says_itself_when_a_correction_was_known(make_door: Callable[..., Door]) -> None:
    door = make_door({"orders": {"files": "o*", "known_at": "loaded", "history": True}})
    header = HEADER + ",loaded"
    door.put("o1.csv", csv(f"{order(1)},2025-06-02T00:00:00Z", header=header))
    door.put("o2.csv", csv(f"{order(1, 'cancelled')},2025-06-05T00:00:00Z", header=header))
    door.land()
    assert [known for _, known in sorted(door.rows("orders", "status, known_at::date::varchar"))] == [
        "2025-06-05",
        "2025-06-02",
    ]
