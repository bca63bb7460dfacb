"""Which files are read now."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import Door

from orchestration.landing import LandingError

CONTENT = "order_id,line_number,ordered_at,quantity,unit_price\no1,1,2025-06-01,1,9.90\n"


def test_an_empty_or_missing_folder_is_named_with_what_is_expected_there(door: Door) -> None:
    with pytest.raises(LandingError, match=r"is empty; shop corner expects there orders: orders\*"):
        door.land()
    door.landing.rmdir()
    with pytest.raises(LandingError, match="there is no landing folder"):
        door.land()


def test_files_that_nobody_asks_for_are_listed_beside_the_globs(make_door: Callable[..., Door]) -> None:
    door = make_door({"orders": {"files": "orders*"}, "events": {"files": "clicks*.jsonl"}})
    door.put("Orders_june.csv", CONTENT)
    with pytest.raises(LandingError, match=r"events: clicks\*.jsonl, orders: orders\*\); there are: Orders_june.csv"):
        door.land()


def test_a_cleared_folder_is_no_error_once_something_has_landed(door: Door) -> None:
    path = door.put("orders.csv", CONTENT)
    door.land()
    path.unlink()
    assert door.land().landed == ()


@pytest.mark.parametrize("name", [".orders.csv", "_orders.csv", "orders.csv.part", "orders.tmp", "orders.crdownload"])
def test_a_file_whose_name_says_unfinished_is_left_alone_and_named(make_door: Callable[..., Door], name: str) -> None:
    door = make_door({"orders": {"files": "*orders*"}})
    door.put(name, CONTENT)
    door.put("orders.csv", CONTENT)
    report = door.land()
    assert [batch.file for batch in report.landed] == ["orders.csv"]
    assert report.left_alone == {name: "still being written (by its name)"}


def test_a_file_that_grows_while_it_is_watched_is_left_alone_and_lands_later(door: Door) -> None:
    path = door.put("orders_1.csv", CONTENT)
    door.put("orders_2.csv", CONTENT.replace("o1", "o2"))
    waits: list[float] = []

    def grow(seconds: float) -> None:
        waits.append(seconds)
        path.write_text(CONTENT + "o3,1,2025-06-02,1,1\n")

    report = door.land(settle_seconds=5, sleep=grow)
    assert waits == [5]
    assert [batch.file for batch in report.landed] == ["orders_2.csv"]
    assert report.left_alone == {"orders_1.csv": "changed while it was watched"}
    assert [batch.accepted for batch in door.land().landed] == [2]


def test_old_files_are_not_waited_for(door: Door) -> None:
    path = door.put("orders.csv", CONTENT)
    os.utime(path, (0, 0))
    report = door.land(settle_seconds=5, sleep=lambda _: pytest.fail("waited"))
    assert len(report.landed) == 1


def test_a_file_that_changes_while_it_is_read_is_left_alone(door: Door) -> None:
    path = door.put("orders.csv", CONTENT)

    def connect_late() -> object:
        path.write_text(CONTENT + "o9,1,2025-06-02,1,1\n")
        return door.connect()

    report = door.land(connect=connect_late)
    assert report.left_alone == {"orders.csv": "changed while it was read"}
    assert not list(door.state.raw.rglob("rows.parquet"))


def test_files_land_in_the_order_of_touchpoint_and_name(make_door: Callable[..., Door]) -> None:
    door = make_door({"orders": {"files": "o*"}, "products": {"files": "p*"}})
    for name in ("o2.csv", "o1.csv"):
        door.put(name, CONTENT.replace("o1", name[:2]))
    door.put("p.csv", "product_id\np1\n")
    assert [batch.file for batch in door.land(now=datetime(2025, 7, 1, tzinfo=UTC)).landed] == [
        "o1.csv",
        "o2.csv",
        "p.csv",
    ]


def test_one_file_may_serve_several_touchpoints(make_door: Callable[..., Door], tmp_path: Path) -> None:
    del tmp_path
    door = make_door({"orders": {"files": "all.csv"}, "products": {"files": "all.csv"}})
    door.put("all.csv", CONTENT.replace("order_id", "product_id,order_id").replace("o1", "p1,o1"))
    assert [batch.touchpoint for batch in door.land().landed] == ["orders", "products"]
