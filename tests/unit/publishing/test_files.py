"""The pointer of the files: forward by publishing, back by rollback, and what stays."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest
from publishing_world import CLOCK, FIRST_DAY, PublishingWorld, score

from orchestration.publishing.errors import PublishError
from orchestration.publishing.files import current_generation


@pytest.fixture
def world(tmp_path: Path) -> PublishingWorld:
    return PublishingWorld(tmp_path)


def current(world: PublishingWorld) -> str | None:
    generation = current_generation(world.root / "published")
    return generation.generation_id[:8] if generation else None


def here(world: PublishingWorld) -> list[str]:
    return sorted(path.name[:8] for path in (world.root / "published").glob("2025*"))


def test_nothing_is_seen_before_the_first_publication(world: PublishingWorld) -> None:
    world.write(0)
    assert current(world) is None


def test_without_a_passed_audit_nothing_is_published(world: PublishingWorld) -> None:
    generation = world.write(0)
    with pytest.raises(PublishError, match="was not audited"):
        world.publisher.publish_files(generation.generation_id)
    world.publisher.files.records.update(generation.generation_id, audit="failed")
    with pytest.raises(PublishError, match="failed its audit"):
        world.publisher.publish_files(generation.generation_id)
    assert current(world) is None


def test_a_rewritten_generation_is_audited_anew(world: PublishingWorld) -> None:
    world.pass_audit(world.write(0, 20))
    again = world.write(0, 21)
    with pytest.raises(PublishError, match="was not audited"):
        world.publisher.publish_files(again.generation_id)


def test_the_pointer_is_a_relative_link_so_that_the_folder_can_move(world: PublishingWorld) -> None:
    generation = world.publish(0)
    assert os.readlink(world.root / "published" / "current") == generation.generation_id  # noqa: PTH115
    assert current(world) == "20250701"


def test_a_reader_finds_a_generation_at_every_instant(world: PublishingWorld) -> None:
    names = [world.publish(day).generation_id for day in range(2)]
    done = threading.Event()

    def look() -> set[str | None]:
        seen = set()
        while not done.is_set():
            seen.add(current(world))
        return seen

    with ThreadPoolExecutor(1) as threads:
        looking = threads.submit(look)
        for turn in range(100):
            world.publisher.files.rollback(CLOCK, names[turn % 2])
        done.set()
    assert looking.result() == {"20250701", "20250702"}


def test_two_old_generations_stay(world: PublishingWorld) -> None:
    for day in range(4):
        world.publish(day)
    assert here(world) == ["20250702", "20250703", "20250704"]


def test_a_backfill_of_an_older_day_is_written_and_never_shown(world: PublishingWorld) -> None:
    world.publish(5)
    generation = world.pass_audit(world.write(2))
    outcome = world.publisher.publish_files(generation.generation_id)
    assert not outcome.moved
    assert "later as-of" in outcome.reason
    assert current(world) == "20250706"
    assert here(world) == ["20250703", "20250706"]


def test_a_backfill_that_was_never_shown_is_no_way_back(world: PublishingWorld) -> None:
    world.publish(5)
    backfilled = world.write(2).generation_id
    with pytest.raises(PublishError, match="no published generation is left before"):
        world.publisher.files.rollback(CLOCK)
    with pytest.raises(PublishError, match="was never published"):
        world.publisher.files.rollback(CLOCK, backfilled)


def test_rollback_goes_one_back_or_to_a_named_generation(world: PublishingWorld) -> None:
    names = [world.publish(day).generation_id for day in range(3)]
    world.publisher.files.rollback(CLOCK)
    assert current(world) == "20250702"
    world.publisher.files.rollback(CLOCK)
    assert current(world) == "20250701"
    world.publisher.files.rollback(CLOCK, names[2])
    assert current(world) == "20250703"


def test_rollback_to_an_unknown_name_says_which_there_are(world: PublishingWorld) -> None:
    name = world.publish(0).generation_id
    with pytest.raises(PublishError, match=f"no generation 20240101-x.*still here: {name}"):
        world.publisher.files.rollback(CLOCK, "20240101-x")


def test_the_next_publication_after_a_rollback_goes_forward_again(world: PublishingWorld) -> None:
    for day in range(3):
        world.publish(day)
    world.publisher.files.rollback(CLOCK)
    generation = world.publish(3)
    assert current(world) == "20250704"
    assert generation.manifest.previous is not None
    assert generation.manifest.previous.startswith("20250702")  # what readers saw before


def test_a_generation_that_does_not_match_its_manifest_is_not_shown(world: PublishingWorld) -> None:
    world.publish(0)
    generation = world.pass_audit(world.write(1))
    path = generation.file("scores")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(PublishError, match="was changed after it was written"):
        world.publisher.publish_files(generation.generation_id)
    assert current(world) == "20250701"


def test_a_reader_with_an_open_file_keeps_it_when_the_generation_goes(world: PublishingWorld) -> None:
    first = world.publish(0, 20)
    with first.file("scores").open("rb") as file:
        for day in range(1, 4):
            world.publish(day)
        assert not first.folder.exists()
        assert file.read(4) == b"PAR1"


def test_the_views_file_is_closed_properly_and_shows_one_generation(world: PublishingWorld) -> None:
    generation = world.publish(0, 20)
    assert not list(generation.folder.glob("*.wal"))
    with duckdb.connect(str(generation.views), read_only=True) as reader:
        world.publish(1, 30)
        assert reader.execute("select count(*) from crm.scores").fetchone() == (20,)
    assert len(world.read("scores")) == 30


def test_the_views_carry_the_contracts_comments(world: PublishingWorld) -> None:
    generation = world.publish(0)
    with duckdb.connect(str(generation.views), read_only=True) as reader:
        comments = reader.execute("select comment from duckdb_views() where view_name = 'scores'").fetchall()
    assert comments == [("What we expect of a customer; 100 % of them.",)]


def test_the_views_say_which_run_wrote_what_they_show(world: PublishingWorld) -> None:
    world.publish(0)
    world.publish(1)
    assert world.read("generations", "generation_id[:8], run_id, is_current") == [
        ("20250701", "run-0", False), ("20250702", "run-1", True),
    ]  # fmt: skip


def test_suppression_and_withdrawal_act_at_once_in_an_open_reader_and_survive_rollback(world: PublishingWorld) -> None:
    world.publish(0, 3)
    world.publish(1, 3)
    privacy = world.publisher.privacy
    with duckdb.connect(str(world.root / "published/current/views.duckdb"), read_only=True) as reader:
        assert reader.execute("select count(*) from crm.scores").fetchone() == (3,)
        privacy.suppress(["c_0000"], FIRST_DAY, "asked")
        privacy.withdraw(["c_0001"], "profiling", None, FIRST_DAY)
        shown = "select customer_id, status, churn_probability, may_profile from crm.scores order by all"
        expected = [("c_0001", "not_profiled", None, False), ("c_0002", "scored", 0.74, True)]
        assert reader.execute(shown).fetchall() == expected
    world.publisher.files.rollback(CLOCK)
    assert world.read("scores", "customer_id, status, churn_probability, may_profile") == expected
    assert world.read("offers", "customer_id") == [("c_0001",), ("c_0002",), ("c_0003",), ("c_0004",)]
    assert world.read("suppressions", "customer_id, reason") == [("c_0000", "asked")]


def test_a_withdrawal_stands_until_it_is_reinstated(world: PublishingWorld) -> None:
    privacy = world.publisher.privacy
    privacy.withdraw(["c_0001"], "profiling", None, FIRST_DAY)
    world.publish(0, [score(1)])
    world.publish(1, [score(1, 1)])
    assert world.read("scores", "may_profile") == [(False,)]
    privacy.reinstate(["c_0001"], "profiling", None)
    world.publish(2, [score(1, 2)])
    assert world.read("scores", "may_profile") == [(True,)]


def test_the_state_of_privacy_is_named_by_its_content(world: PublishingWorld) -> None:
    privacy = world.publisher.privacy
    empty = privacy.state_id
    privacy.suppress(["c_0001"], FIRST_DAY, "asked")
    assert privacy.state_id != empty
    privacy.unsuppress(["c_0001"])
    assert privacy.state_id == empty


def test_views_work_again_after_the_folder_moved(world: PublishingWorld, tmp_path: Path) -> None:
    world.publish(0, 3)
    moved = PublishingWorld(tmp_path / "elsewhere")
    for name in ("published", "privacy"):
        (tmp_path / name).rename(tmp_path / "elsewhere" / name)
    moved.publisher.relocate()
    assert len(moved.read("scores")) == 3
