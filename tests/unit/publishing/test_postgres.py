"""Schema crm in a real Postgres: what readers see, who sees what, and how it grows."""

from __future__ import annotations

from pathlib import Path

import pytest
from publishing_world import PublishingWorld, ask, offer, score

from orchestration.publishing.errors import PublishError, SinkUnavailableError


@pytest.fixture
def world(tmp_path: Path, database: str) -> PublishingWorld:
    return PublishingWorld(tmp_path, database)


def test_readers_see_the_rows_of_the_files_value_by_value(world: PublishingWorld) -> None:
    odd = ['say "x"', "a,b", "line\nbreak", "back\\slash", "\\.", "", None, "ünï", "\t", "NULL"]
    world.publish(0, [score(n, note=note, churn_probability=n / 7) for n, note in enumerate(odd)])
    columns = "customer_id, status, churn_probability, percentile, spend, note, may_email, as_of, row_hash, updated_at"
    in_postgres = ask(world, f"select {columns} from crm.scores order by customer_id")
    assert in_postgres == world.read("scores", columns)
    assert [row[5] for row in in_postgres] == odd


def test_nothing_is_seen_before_the_first_publication(world: PublishingWorld) -> None:
    assert world.publisher.postgres.current_id() is None
    assert world.publisher.publish_postgres() is None


def test_publishing_twice_changes_nothing(world: PublishingWorld) -> None:
    world.publish(0)
    outcome = world.publisher.publish_postgres()
    assert outcome is not None
    assert (outcome.moved, outcome.reason) == (False, "already current")


def test_a_lookup_reads_one_partition_by_its_index(world: PublishingWorld) -> None:
    for day in range(3):
        world.publish(day, 300)
    plan = ask(world, "explain (analyze, costs off) select * from crm.scores where customer_id = 'c_0007'")
    scans = [line for (line,) in plan if " on scores__" in line]
    assert len(scans) == 3
    assert all("Index Scan" in line for line in scans)
    assert sum("never executed" not in line for line in scans) == 1


def test_two_old_generations_stay_attached(world: PublishingWorld) -> None:
    for day in range(4):
        world.publish(day)
    tables = ask(
        world, "select relname from pg_class where relname like 'scores\\_\\_2025%' and relkind = 'r' order by 1"
    )
    assert [name[8:16] for (name,) in tables] == ["20250702", "20250703", "20250704"]


def test_rollback_moves_both_sinks_and_keeps_suppressions_and_withdrawals(world: PublishingWorld) -> None:
    for day in range(2):
        world.publish(day, 3 + day, 3)
    world.publisher.suppress(["c_0000"], "asked")
    world.publisher.withdraw(["c_0001"], "profiling")
    world.publisher.withdraw(["c_0002"], "marketing", "email")
    expected = [
        ("c_0001", "not_profiled", None, False, True),
        ("c_0002", "scored", 0.74, True, False),
        ("c_0003", "scored", 0.11, True, True),
    ]
    columns = "customer_id, status, churn_probability, may_profile, may_email"
    for rows in (expected, expected[:2]):
        assert ask(world, f"select {columns} from crm.scores order by 1") == rows
        assert world.read("scores", columns) == rows
        assert ask(world, "select customer_id from crm.offers") == [("c_0001",)]
        if len(rows) == 3:
            in_files, in_postgres = world.publisher.rollback()
            assert in_files.moved
            assert in_postgres.moved
    assert ask(world, "select customer_id, reason from crm.suppressions") == [("c_0000", "asked")]


def test_a_tombstone_of_a_suppressed_customer_is_still_told(world: PublishingWorld) -> None:
    world.publish(0, 3)
    world.publish(1, 2)
    world.publisher.suppress(["c_0002"], "asked")
    assert ask(world, "select op, customer_id from crm.scores_changes") == [("delete", "c_0002")]


def test_a_mistaken_suppression_can_be_undone_in_both_sinks(world: PublishingWorld) -> None:
    world.publish(0, 3)
    world.publisher.suppress(["c_0002"], "mistake")
    world.publisher.withdraw(["c_0001"], "profiling")
    world.publisher.unsuppress(["c_0002"])
    world.publisher.reinstate(["c_0001"], "profiling")
    expected = [("c_0000", True), ("c_0001", True), ("c_0002", True)]
    assert ask(world, "select customer_id, may_profile from crm.scores order by 1") == expected
    assert world.read("scores", "customer_id, may_profile") == expected


def test_an_undoing_that_postgres_missed_is_brought_up_by_the_next_publish(world: PublishingWorld) -> None:
    world.publish(0, 3)
    world.publisher.suppress(["c_0002"], "mistake")
    world.publisher.withdraw(["c_0001"], "profiling")
    url, world.url = world.url, "postgresql://nobody@/none?host=/nowhere"
    for undo in (
        lambda: world.publisher.unsuppress(["c_0002"]),
        lambda: world.publisher.reinstate(["c_0001"], "profiling"),
    ):
        with pytest.raises(SinkUnavailableError):
            undo()
    world.url = url
    assert ask(world, "select count(*) from crm.scores") == [(2,)]
    world.publisher.publish_postgres()
    assert ask(world, "select count(*), count(*) filter (where may_profile) from crm.scores") == [(3, 3)]


def test_what_postgres_missed_is_published_by_the_next_run(world: PublishingWorld) -> None:
    url = world.url
    world.publish(0)
    world.url = "postgresql://nobody@/none?host=/nowhere"
    generation = world.pass_audit(world.write(1))
    world.publisher.publish_files(generation.generation_id)
    with pytest.raises(SinkUnavailableError, match="is not available"):
        world.publisher.publish_postgres()
    with pytest.raises(SinkUnavailableError):
        world.publisher.suppress(["c_0003"], "asked")
    world.url = url
    missed = world.publisher.missed()
    assert missed is not None
    assert missed.generation_id == generation.generation_id
    world.publisher.publish_postgres()
    assert world.publisher.missed() is None
    assert ask(world, "select count(*), max(as_of)::date - '2025-07-01' from crm.scores") == [(19, 1)]


def test_a_rollback_that_postgres_missed_is_followed_by_the_next_run(world: PublishingWorld) -> None:
    url = world.url
    for day in range(2):
        world.publish(day)
    world.url = None
    with pytest.raises(SinkUnavailableError):
        world.publisher.rollback()
    world.url = url
    outcome = world.publisher.publish_postgres()
    assert outcome is not None
    assert (outcome.generation_id[:8], outcome.reason) == ("20250701", "rolled back")


def test_an_older_as_of_never_replaces_a_newer_one(world: PublishingWorld, tmp_path: Path) -> None:
    world.publish(5)
    other = PublishingWorld(tmp_path / "a fresh data folder", world.url)
    generation = other.pass_audit(other.write(2))
    other.publisher.publish_files(generation.generation_id)
    outcome = other.publisher.publish_postgres()
    assert outcome is not None
    assert not outcome.moved
    assert ask(world, "select distinct as_of::date - '2025-07-01' from crm.scores") == [(5,)]


def test_a_refusal_names_the_kind_of_error_and_no_value(world: PublishingWorld) -> None:
    generation = world.pass_audit(world.write(0, [score(1), score(1)]))
    world.publisher.publish_files(generation.generation_id)
    with pytest.raises(PublishError) as refusal:
        world.publisher.publish_postgres()
    assert "UniqueViolation" in str(refusal.value)
    assert "c_0001" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_an_empty_table_is_published_as_one(world: PublishingWorld) -> None:
    world.publish(0, 3, 3)
    world.publish(1, 3, [])
    assert ask(world, "select count(*) from crm.offers") == [(0,)]
    world.publish(2, 3, [offer(1, 2)])
    assert ask(world, "select count(*) from crm.offers") == [(1,)]


def test_a_leftover_that_was_attached_and_never_shown_is_not_trusted(
    world: PublishingWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("orchestration.publishing.postgres.sink._move", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            world.publish(0, 20)
    # The data folder was lost, and the same inputs gave other rows.
    other = PublishingWorld(tmp_path / "a fresh data folder", world.url)
    other.publish(0, 21)
    assert ask(world, "select count(*) from crm.scores") == [(21,)]


def test_other_content_under_a_published_name_is_refused_here_too(world: PublishingWorld, tmp_path: Path) -> None:
    world.publish(0, 20)
    other = PublishingWorld(tmp_path / "a fresh data folder", world.url)
    with pytest.raises(PublishError, match="inputs_id does not cover all inputs"):
        other.publish(0, 21)
    assert ask(world, "select count(*) from crm.scores") == [(20,)]
