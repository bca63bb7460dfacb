"""Readers at work while generations come and go: each read is one whole generation, and nobody waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow.parquet as pq
import pytest
from publishing_world import FIRST_DAY, PublishingWorld, contract_model, contract_of

from orchestration.publishing.errors import PublishError
from orchestration.publishing.files import current_generation

IMPATIENT, VERY_IMPATIENT = "-c lock_timeout=50ms", "-c lock_timeout=5ms"
COUNTS = """select (select count(*) from crm.scores), (select count(*) from crm.offers),
                   array(select distinct as_of from crm.scores union select distinct as_of from crm.offers)"""


@pytest.fixture
def world(tmp_path: Path, database: str) -> PublishingWorld:
    return PublishingWorld(tmp_path, database)


def publish(world: PublishingWorld, day: int) -> None:
    """Each day has counts of its own, so that a mixture is told by its sums."""
    world.publish(day, 100 + 10 * day, 5 + day)


def require_whole(scores: int, offers: int, instants: list[datetime]) -> int:
    assert len(instants) == 1, f"rows of {len(instants)} generations in one read"
    day = (instants[0] - FIRST_DAY).days
    assert (scores, offers) == (100 + 10 * day, 5 + day)
    return day


def read_parquet(world: PublishingWorld) -> int:
    generation = current_generation(world.root / "published")
    assert generation is not None
    tables = [pq.read_table(generation.file(name)) for name in ("scores", "offers")]
    instants = {instant for table in tables for instant in table["as_of"].to_pylist()}
    return require_whole(tables[0].num_rows, tables[1].num_rows, list(instants))


def read_views(world: PublishingWorld) -> int:
    with duckdb.connect(str(world.root / "published/current/views.duckdb"), read_only=True) as reader:
        row = reader.execute(COUNTS).fetchone()
    assert row is not None
    return require_whole(*row)


@contextmanager
def postgres_reader(world: PublishingWorld, patience: str = IMPATIENT, **options: Any) -> Iterator[Callable[[], int]]:
    assert world.url is not None
    with psycopg.connect(world.url, options=patience, **options) as connection:
        yield lambda: require_whole(*connection.execute(COUNTS).fetchone())  # type: ignore[misc]


def keep_reading(done: threading.Event, read: Callable[[], int]) -> set[int]:
    days = set()
    while not done.is_set():
        days.add(read())
    return days


def keep_asking(done: threading.Event, world: PublishingWorld, **options: Any) -> set[int]:
    with postgres_reader(world, **options) as read:
        return keep_reading(done, read)


def test_every_read_sees_one_whole_generation_through_three_publications_and_a_rollback(world: PublishingWorld) -> None:
    publish(world, 0)
    done = threading.Event()

    with ThreadPoolExecutor(5) as threads:
        reading = [
            threads.submit(keep_reading, done, lambda: read_parquet(world)),
            threads.submit(keep_reading, done, lambda: read_views(world)),
            threads.submit(keep_asking, done, world, autocommit=True),
            threads.submit(keep_asking, done, world, autocommit=True, prepare_threshold=1),
            threads.submit(keep_asking, done, world, prepare_threshold=1),  # one transaction, never closed
        ]
        try:
            for day in (1, 2, 3):
                publish(world, day)
            world.publisher.rollback()
        finally:
            done.set()
        days = [one.result() for one in reading]
    # The open transaction may stay where its plan was made; the others must have seen the readers' world move.
    assert all(len(seen) > 1 for seen in days[:4])


def test_a_plan_that_is_older_than_a_generation_stays_at_the_one_before(world: PublishingWorld) -> None:
    publish(world, 0)
    with postgres_reader(world, prepare_threshold=0) as read:
        # After five executions Postgres keeps one plan, and an open transaction does not hear of new partitions.
        assert {read() for _ in range(8)} == {0}
        for day in (1, 2, 3):
            publish(world, day)
            assert read() in range(day + 1)


def test_a_long_reader_holds_up_neither_publication_nor_new_readers(world: PublishingWorld) -> None:
    publish(world, 0)
    assert world.url is not None
    done = threading.Event()
    with psycopg.connect(world.url) as long_reader, ThreadPoolExecutor(1) as threads:
        long_reader.execute("set transaction isolation level repeatable read")
        assert require_whole(*long_reader.execute(COUNTS).fetchone()) == 0  # type: ignore[misc]
        new_reader = threads.submit(keep_asking, done, world, patience=VERY_IMPATIENT, autocommit=True)
        try:
            for day in (1, 2, 3, 4):
                publish(world, day)
        finally:
            done.set()
        assert len(new_reader.result()) > 1
        assert partitions(world) >= 4  # what the long reader may still read is still there
        assert require_whole(*long_reader.execute(COUNTS).fetchone()) == 0  # type: ignore[misc]
    publish(world, 5)
    outcome = world.publisher.publish_postgres()
    assert outcome is not None
    assert not outcome.postponed
    assert partitions(world) == 3


def test_a_contract_that_grows_behind_a_long_reader_waits_for_the_next_run(
    world: PublishingWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.publishing.postgres.connection.ATTEMPTS", 5)
    publish(world, 0)
    model = contract_model()
    model["models"][0]["columns"].append({"name": "tier", "data_type": "varchar"})
    assert world.url is not None
    with psycopg.connect(world.url) as long_reader, ThreadPoolExecutor(1) as threads:
        long_reader.execute(COUNTS)
        world.contract = contract_of(tmp_path, model)
        publishing = threads.submit(publish, world, 1)
        while not publishing.done():
            with postgres_reader(world) as read:
                assert read() == 0
        with pytest.raises(PublishError, match="keeps a transaction open"):
            publishing.result()
    world.publisher.publish_postgres()
    with postgres_reader(world) as read:
        assert read() == 1


def partitions(world: PublishingWorld) -> int:
    assert world.url is not None
    with psycopg.connect(world.url) as connection:
        row = connection.execute(
            "select count(*) from pg_class where relname like 'scores\\_\\_2025%' and relkind = 'r'"
        )
        return int(row.fetchone()[0])  # type: ignore[index]
