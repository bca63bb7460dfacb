"""A generation that takes over the tables of another one and brings a few of its own, as a triggered run does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from publishing_world import PublishingWorld, offer, write_rows
from test_audit import audit, failed

from orchestration.publishing.errors import ContractError
from orchestration.publishing.generation import Generation


@pytest.fixture
def world(tmp_path: Path) -> PublishingWorld:
    return PublishingWorld(tmp_path)


def take_over(world: PublishingWorld, base: Generation, offers: int, hours: int = 30) -> Generation:
    """The offers anew at an instant after the base's, everything else lent."""
    day = (base.manifest.weighed_at - world.meta(0).as_of).days
    meta = world.meta(day, inputs=f"t{hours}")
    meta = replace(meta, as_of=meta.as_of + timedelta(hours=hours), tables_as_of=base.manifest.weighed_at)
    rows = [offer(n, day) for n in range(offers)]
    file = write_rows(world.contract, "offers", rows, world.root / "handed_over" / f"t{hours}.parquet")
    return world.publisher.write({"offers": file}, meta, base)


def test_what_is_not_handed_over_is_lent_byte_by_byte(world: PublishingWorld) -> None:
    base = world.publish(0)
    taken = take_over(world, base, 7)
    assert taken.file("scores").samefile(base.file("scores"))
    assert taken.manifest.sha256["scores.parquet"] == base.manifest.sha256["scores.parquet"]
    assert taken.manifest.rows["offers"] == 7
    assert taken.manifest.rows["scores_changes"] == 0
    assert failed(audit(world, taken)) == {}


def test_it_is_newer_than_its_day_and_older_than_the_next(world: PublishingWorld) -> None:
    base = world.publish(0)
    taken = world.pass_audit(take_over(world, base, 7))
    world.publisher.publish_files(taken.generation_id)
    assert len(world.read("offers")) == 7
    again = world.publish(0)
    assert again.generation_id == base.generation_id
    assert len(world.read("offers")) == 7, "its own base does not come back over it"
    world.publish(1)
    assert len(world.read("offers")) == 5, "the next day does, although it began before the trigger"
    assert not world.publisher.publish_files(taken.generation_id).moved


def test_its_day_on_later_inputs_takes_its_place_and_is_compared_with_it(world: PublishingWorld, database: str) -> None:
    world.url = database
    base = world.publish(0)
    taken = world.pass_audit(take_over(world, base, 7))
    world.publisher.publish_files(taken.generation_id)
    world.publisher.publish_postgres()
    anew = world.publish(0, inputs="later")
    assert anew.generation_id != base.generation_id
    assert anew.manifest.previous == taken.generation_id
    assert len(world.read("offers")) == 5
    assert world.publisher.postgres.current_id() == anew.generation_id


def test_postgres_keeps_the_same_order(world: PublishingWorld, database: str) -> None:
    world.url = database
    base = world.publish(0)
    taken = world.pass_audit(take_over(world, base, 7))
    world.publisher.publish_files(taken.generation_id)
    world.publisher.publish_postgres()
    assert world.publisher.postgres.current_id() == taken.generation_id
    following = world.publish(1)
    assert world.publisher.postgres.current_id() == following.generation_id


def test_a_table_that_nobody_lends_is_missed(world: PublishingWorld) -> None:
    base = world.publish(0)
    base.file("scores").unlink()
    with pytest.raises(ContractError, match="no file was handed over for scores"):
        take_over(world, base, 7)
