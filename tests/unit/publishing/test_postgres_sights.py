"""What readers of Postgres may see, and how it is described to them."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from publishing_world import FIRST_DAY, PublishingWorld, ask, contract_model, contract_of, score

from orchestration.publishing.errors import ContractError


@pytest.fixture
def world(tmp_path: Path, database: str) -> PublishingWorld:
    return PublishingWorld(tmp_path, database)


def test_a_role_sees_its_tables_and_columns_only(world: PublishingWorld) -> None:
    world.publish(0, 3)
    assert ask(world, "select count(*) from crm.scores", "crm_marketing") == [(3,)]
    assert ask(world, "select count(note) from crm.scores", "crm_agent") == [(1,)]
    assert ask(world, "select count(*) from crm.suppressions", "crm_marketing") == [(0,)]
    for role, statement in (
        ("crm_marketing", "select note from crm.scores"),
        ("crm_marketing", "select * from crm_data.scores"),
        ("crm_marketing", "select * from crm_data.withdrawals"),
        ("crm_agent", "select * from crm.offers"),
        ("crm_agent", "insert into crm_data.suppressions values ('c_0001', now(), 'a whim') returning 1"),
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(world, statement, role)


def test_a_function_in_a_filter_does_not_see_what_is_hidden(world: PublishingWorld) -> None:
    world.publish(0, 3)
    world.publisher.suppress(["c_0001"], "asked")
    seen: list[str] = []
    assert world.url is not None
    with psycopg.connect(world.url, autocommit=True) as connection:
        connection.execute("""create function crm.peek(who text) returns boolean language plpgsql cost 0.0001 as
            $$ begin raise warning 'seen %', who; return true; end $$""")
        connection.add_notice_handler(lambda notice: seen.append(str(notice.message_primary)))
        connection.execute("select * from crm.scores where crm.peek(customer_id)")
    assert sorted(seen) == ["seen c_0000", "seen c_0002"]


def test_views_and_columns_carry_the_contracts_comments(world: PublishingWorld) -> None:
    world.publish(0)
    comments = ask(
        world, """select obj_description('crm.scores'::regclass), col_description('crm.scores'::regclass, 3)"""
    )
    assert comments == [("What we expect of a customer; 100 % of them.", "From 0 to 1; it's calibrated.")]


def test_the_publishers_own_views_are_described_to_the_last_column(world: PublishingWorld) -> None:
    world.publish(0)
    silent = ask(
        world,
        """select c.relname, a.attname
           from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
           where n.nspname = 'crm' and c.relname in ('generations', 'suppressions') and a.attnum > 0
             and (obj_description(c.oid) is null or col_description(c.oid, a.attnum) is null)""",
    )
    assert silent == []


def test_generations_say_which_run_wrote_what_is_seen(world: PublishingWorld) -> None:
    world.publish(0, 3)
    world.publish(1, 4)
    told = ask(
        world, "select run_id, as_of_date::text, (counts->>'scores')::int, is_current from crm.generations order by 1"
    )
    assert told == [("run-0", "2025-07-01", 3, False), ("run-1", "2025-07-02", 4, True)]


def test_a_new_column_appears_at_the_end_and_old_generations_show_null(world: PublishingWorld, tmp_path: Path) -> None:
    world.publish(0, 3)
    model = contract_model()
    model["models"][0]["columns"].insert(2, {"name": "tier", "data_type": "varchar"})
    world.contract = contract_of(tmp_path, model)
    world.publish(1, [score(1, 1, tier="gold")])
    names = "select attname from pg_attribute where attrelid = 'crm.scores'::regclass and attnum > 0 order by attnum"
    assert [name for (name,) in ask(world, names)][-3:] == ["row_hash", "updated_at", "tier"]
    assert ask(world, "select tier from crm.scores", "crm_marketing") == [("gold",)]
    world.publisher.rollback()
    assert ask(world, "select distinct tier from crm.scores") == [(None,)]


def test_a_dropped_or_retyped_column_is_refused_by_name(world: PublishingWorld, tmp_path: Path) -> None:
    generation = world.publish(0)
    model = contract_model()
    model["models"][1]["columns"][1]["data_type"] = "bigint"
    world.contract = contract_of(tmp_path, model)
    record = world.publisher.files.records.get(generation.generation_id)
    assert record is not None
    with pytest.raises(ContractError, match=r"offers.rank was integer and is now bigint"):
        world.publisher.postgres.publish(generation, record, world.publisher.privacy, FIRST_DAY)


def test_a_view_is_replaced_only_when_its_definition_changed(world: PublishingWorld) -> None:
    world.publish(0)
    before = ask(world, "select xmin::text from pg_class where oid = 'crm.scores'::regclass")
    world.publish(1)
    assert ask(world, "select xmin::text from pg_class where oid = 'crm.scores'::regclass") == before
