"""Which file has been dealt with: neither a returning export nor a second file is taken for an old one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count

import pytest
from conftest import NOW, Door, csv, files_of

from orchestration.landing import LandingReport, rehearsal
from orchestration.landing.waiting import waiting


@pytest.fixture
def door(make_door: Callable[..., Door]) -> Door:
    """A shop whose exports lie in the landing folder and in folders of it."""
    return make_door({"products": {"files": "**/products*.csv"}, "orders": {"files": "**/orders*.csv"}})


@pytest.fixture
def land(door: Door) -> Callable[[], LandingReport]:
    """Lands a day later each time."""
    days: Iterator[int] = count()
    return lambda: door.land(now=NOW + timedelta(days=next(days)))


def catalogue(is_available: str) -> str:
    return f"product_id,is_available\np1,{is_available}\np2,true\n"


def states(door: Door) -> list[bool]:
    versions = door.rows("products", "known_at, product_id, is_available")
    return [is_available for _, product, is_available in sorted(versions) if product == "p1"]


@pytest.mark.parametrize("name", ["products_{}.csv", "{}/products.csv", "products.csv"])
def test_an_export_that_says_again_what_an_earlier_one_said_is_landed_and_only_once(
    door: Door, land: Callable[[], LandingReport], name: str
) -> None:
    for day, is_available in enumerate(["true", "false", "true"]):
        path = door.landing / name.format(day)
        path.parent.mkdir(exist_ok=True)
        path.write_text(catalogue(is_available))
        os.utime(path, (0, 0))  # as from an archive with fixed times
        land()
    assert states(door) == [True, False, True]
    before = files_of(door.state.root)
    assert land().landed == ()
    assert files_of(door.state.root) == before


def test_a_copy_that_brought_nothing_brings_nothing_later_either(door: Door, land: Callable[[], LandingReport]) -> None:
    for day, is_available in enumerate(["true", "true", "false"]):
        door.put(f"products_{day}.csv", catalogue(is_available))
        land()
    assert land().unchanged == ("products_0.csv", "products_1.csv", "products_2.csv")
    assert states(door) == [True, False]


def test_a_rehearsal_remembers_what_the_landing_does(door: Door, land: Callable[[], LandingReport]) -> None:
    for day, is_available in enumerate(["true", "false", "true"]):
        door.put(f"products_{day}.csv", catalogue(is_available))
        with rehearsal(door.shop, door.state, door.landing, now=NOW + timedelta(1), connect=door.connect) as rehearsed:
            told = [batch.file for batch in rehearsed.report.landed]
        assert told == [batch.file for batch in land().landed] == [f"products_{day}.csv"]


def test_a_file_that_was_moved_is_the_same_file(door: Door, land: Callable[[], LandingReport]) -> None:
    for day, is_available in enumerate(["true", "false"]):
        door.put(f"products_{day}.csv", catalogue(is_available))
        land()
    archive = door.landing / "archive"
    archive.mkdir()
    for path in door.landing.glob("products*"):
        path.rename(archive / path.name)
    assert land().landed == ()
    assert states(door) == [True, False]


def test_a_folder_restored_elsewhere_is_landed_no_second_time(door: Door, land: Callable[[], LandingReport]) -> None:
    for day, is_available in enumerate(["true", "false"]):
        door.put(f"products_{day}.csv", catalogue(is_available))
        land()
    shutil.copytree(door.landing, door.root / "copy")  # other inodes
    shutil.rmtree(door.landing)
    (door.root / "copy").rename(door.landing)
    assert land().landed == ()


def test_a_folder_landed_before_sightings_were_kept_is_landed_no_second_time(
    door: Door, land: Callable[[], LandingReport]
) -> None:
    for day, is_available in enumerate(["true", "false"]):
        door.put(f"products_{day}.csv", catalogue(is_available))
        land()
    shutil.rmtree(door.state.sightings)
    assert land().landed == ()


def test_what_a_kill_cut_short_hides_no_other_sighting(door: Door, land: Callable[[], LandingReport]) -> None:
    door.put("products_0.csv", catalogue("true"))
    land()
    with (door.state.sightings / "products.jsonl").open("a") as lines:
        lines.write('\n{"file": "products_0.c')
    for number, is_available in enumerate(["false", "true"], start=1):
        door.put(f"products_{number}.csv", catalogue(is_available))
    land()
    assert land().landed == ()


def test_a_second_file_of_the_same_name_size_and_time_is_another_one(
    door: Door, land: Callable[[], LandingReport]
) -> None:
    for number, folder in enumerate(["2025-06-01", "2025-06-02"]):
        (door.landing / folder).mkdir()
        os.utime(door.put(f"{folder}/orders.csv", csv(1).replace("o0", f"o{number}")), (0, 0))
    assert [batch.file for batch in land().landed] == ["2025-06-01/orders.csv", "2025-06-02/orders.csv"]
    assert [order for (order,) in door.rows("orders", "order_id")] == ["o0", "o1"]


def test_a_file_replaced_with_its_size_and_time_kept_is_another_one(
    door: Door, land: Callable[[], LandingReport]
) -> None:
    for number in range(2):
        os.utime(door.put("orders.csv", csv(1).replace("o0", f"o{number}")), (0, 0))
        land()
    assert [order for (order,) in door.rows("orders", "order_id")] == ["o0", "o1"]


def test_of_what_happened_once_the_same_bytes_are_never_read_twice(
    make_door: Callable[..., Door], monkeypatch: pytest.MonkeyPatch
) -> None:
    door = make_door({"events": {"files": "e*"}, "orders": {"files": "o*"}})
    for day, kind in enumerate(["view", "search", "view"]):
        door.put(f"e{day}.csv", f"event_id,happened_at,event_type\ne1,2025-06-01T10:00:00Z,{kind}\n")
        if day == 2:
            monkeypatch.setattr("orchestration.landing.run.prepare", lambda *_: pytest.fail("read"))
        last = door.land(now=NOW + timedelta(days=day))
    assert last.unchanged == ("e0.csv", "e1.csv", "e2.csv")


def test_the_sensor_tells_files_of_one_name_apart_and_sees_one_replaced(door: Door) -> None:
    (door.landing / "1").mkdir()
    os.utime(door.put("1/orders.csv", csv(1)), (0, 0))
    os.utime(door.put("orders.csv", csv(1)), (0, 0))
    before = waiting(door.shop, door.landing)
    os.utime(door.put("1/orders.csv", csv(1).replace("o0", "o1")), (0, 0))
    after = waiting(door.shop, door.landing)
    assert [name for name in ("1/orders.csv", "orders.csv") if before[name] != after[name]] == ["1/orders.csv"]
