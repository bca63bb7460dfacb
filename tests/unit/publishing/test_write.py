"""Writing a generation: what is in it, and that the same inputs give the same bytes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from publishing_world import CLOCK, FIRST_DAY, PublishingWorld, contract_model, contract_of, offer, score

from orchestration.publishing.engine import ROW_GROUP_ROWS, Engine
from orchestration.publishing.errors import ContractError, PublishError
from orchestration.publishing.generation import Generation


@pytest.fixture
def world(tmp_path: Path) -> PublishingWorld:
    return PublishingWorld(tmp_path)


def rows_of(generation: Generation, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
    return duckdb.sql(f"select {columns} from '{generation.file(table)}' order by all").fetchall()


def test_a_generation_is_named_by_its_day_and_inputs(world: PublishingWorld) -> None:
    assert world.write(0, inputs="abcd").generation_id == "20250701-abcdabcdabcd"


def test_the_manifest_counts_and_hashes_every_file_and_knows_no_run(world: PublishingWorld) -> None:
    generation = world.write(0, scores=7, offers=2)
    assert generation.manifest.rows == {"scores": 7, "scores_changes": 7, "offers": 2}
    assert set(generation.manifest.sha256) == {"scores.parquet", "scores_changes.parquet", "offers.parquet"}
    text = (generation.folder / "manifest.json").read_text()
    assert "run-0" not in text
    assert "2025-08" not in text
    assert world.publisher.files.records.get(generation.generation_id).run_id == "run-0"  # type: ignore[union-attr]


def test_the_same_inputs_give_the_same_bytes_with_one_thread_and_two(tmp_path: Path) -> None:
    hashes = []
    for threads, direction in ((1, "asc"), (2, "desc")):
        world = PublishingWorld(tmp_path / str(threads))
        tables = world.tables(0, 1)
        # More than two row groups, handed over in another order.
        duckdb.sql(f"""copy (
            select * replace ('c_' || i as customer_id, i / 7 as churn_probability, (i % 5)::decimal(18, 2) as spend)
            from '{tables["scores"]}', range({2 * ROW_GROUP_ROWS + 5}) as r(i) order by i {direction}
        ) to '{tmp_path}/many.parquet'""")
        duckdb.sql(f"copy (select * exclude (i) from '{tmp_path}/many.parquet') to '{tables['scores']}'")
        publisher = replace(world.publisher, engine=Engine(threads=threads))
        hashes.append(publisher.write(tables, world.meta(0)).manifest.sha256)
    assert hashes[0] == hashes[1]


def test_writing_the_same_inputs_again_touches_nothing(world: PublishingWorld) -> None:
    first = world.write(0)
    before = {path: path.stat().st_mtime_ns for path in first.folder.iterdir()}
    assert world.write(0) == first
    assert {path: path.stat().st_mtime_ns for path in first.folder.iterdir()} == before


def test_a_damaged_generation_is_written_again_with_the_same_bytes(world: PublishingWorld) -> None:
    first = world.publish(0)
    first.file("scores").unlink()
    again = world.write(0)
    assert again.manifest == first.manifest
    again.verify()


def test_other_content_under_a_published_name_is_refused(world: PublishingWorld) -> None:
    first = world.publish(0, scores=20)
    with pytest.raises(PublishError, match="inputs_id does not cover all inputs"):
        world.write(0, scores=21)
    first.verify()
    assert len(world.read("scores")) == 20


def test_updated_at_moves_only_with_the_content(world: PublishingWorld) -> None:
    world.publish(0, [score(1), score(2), score(3)])
    second = world.publish(1, [score(1, 1), score(2, 1, percentile=0.9), score(3, 1, spend=4)])
    updated = dict(rows_of(second, "scores", "customer_id, updated_at"))
    assert [updated[f"c_000{n}"].day for n in (1, 2, 3)] == [1, 1, 2]


def test_a_row_that_changes_back_gets_its_hash_back(world: PublishingWorld) -> None:
    hashes = []
    for day, spend in enumerate((1, 2, 1)):
        generation = world.publish(day, [score(1, day, spend=spend)])
        hashes.append(rows_of(generation, "scores", "row_hash")[0][0])
    assert hashes[0] == hashes[2] != hashes[1]


def test_a_new_column_that_is_empty_changes_no_hash(tmp_path: Path) -> None:
    world = PublishingWorld(tmp_path)
    first = world.publish(0, [score(1)])
    model = contract_model()
    model["models"][0]["columns"].insert(2, {"name": "tier", "data_type": "varchar"})
    world.contract = contract_of(tmp_path, model)
    second = world.publish(1, [score(1, 1)])
    assert rows_of(first, "scores", "row_hash, updated_at") == rows_of(second, "scores", "row_hash, updated_at")


@pytest.mark.parametrize(
    ("column", "grain", "same", "other"),
    [
        ("churn_probability", {"step": 0.05}, (0.50, 0.52), 0.56),
        ("spend", {"ratio": 1.25}, (Decimal(100), Decimal(104)), Decimal(130)),
        ("spend", {"ratio": 1.25}, (Decimal(0), Decimal(0)), Decimal("0.01")),
        ("note", "words", ("No order for 9 days", "No order for 10.5 days"), "No visit for 9 days"),
        ("note", "words", (None, None), "No visit for 9 days"),
    ],
)
def test_a_row_changes_with_what_readers_care_for(
    tmp_path: Path, column: str, grain: Any, same: tuple[Any, Any], other: Any
) -> None:
    world, model = PublishingWorld(tmp_path), contract_model()
    own = next(one for one in model["models"][0]["columns"] if one["name"] == column)
    own.setdefault("config", {}).setdefault("meta", {})["grain"] = grain
    world.contract = contract_of(tmp_path, model)
    for day, value in enumerate((*same, other)):
        world.publish(day, [score(1, day, **{column: value})])
        ((written, told, at),) = world.read("scores", f"{column}, row_hash, updated_at")
        assert written == value, "what is published is the newest"
        changed = world.read("scores_changes", "op")
        assert changed == ([("upsert",)] if day in (0, 2) else [])
        assert at == FIRST_DAY + timedelta(days=2 if day == 2 else 0), told


def test_a_column_that_follows_another_one_is_no_change_by_itself(tmp_path: Path) -> None:
    world, model = PublishingWorld(tmp_path), contract_model()
    spend = next(one for one in model["models"][0]["columns"] if one["name"] == "spend")
    spend["config"] = {"meta": {"grain": "none"}}
    world.contract = contract_of(tmp_path, model)
    world.publish(0, [score(1, 0, spend=Decimal(1))])
    world.publish(1, [score(1, 1, spend=Decimal(900))])
    assert world.read("scores", "spend, updated_at") == [(Decimal(900), FIRST_DAY)]
    assert "spend" in [column.name for column in world.contract.table("scores_changes").columns], "its readers keep it"


def test_the_last_bits_of_a_float_are_no_change(world: PublishingWorld) -> None:
    first = world.write(0, [score(1, churn_probability=0.1 + 0.2), score(2, churn_probability=-0.0)])
    second = world.write(0, [score(1, churn_probability=0.3), score(2, churn_probability=0.0)], inputs="ff")
    assert rows_of(first, "scores") == rows_of(second, "scores")


def test_changes_are_upserts_and_deletes_against_the_published_generation(world: PublishingWorld) -> None:
    world.publish(0, [score(1), score(2), score(3)])
    world.write(1, [score(1, 1)], inputs="ee")  # never published: nobody has seen it
    generation = world.publish(2, [score(1, 2), score(2, 2, spend=9), score(4, 2)])
    changes = rows_of(generation, "scores_changes", "customer_id, op, spend")
    assert [(who, op) for who, op, _ in changes] == [("c_0002", "upsert"), ("c_0003", "delete"), ("c_0004", "upsert")]
    assert changes[1][2] is None
    assert generation.manifest.previous == "20250701-000000000000"


def test_changes_add_up_to_the_generation(world: PublishingWorld) -> None:
    first = world.publish(0, [score(n, spend=n % 3) for n in range(40)])
    second = world.publish(1, [score(n, 1, spend=n % 4) for n in range(20, 70)])
    applied = {row[0]: row[1:] for row in rows_of(first, "scores", "customer_id, spend, row_hash")}
    for op, who, *content in rows_of(second, "scores_changes", "op, customer_id, spend, row_hash"):
        if op == "upsert":
            applied[who] = tuple(content)
        else:
            del applied[who]
    assert applied == {row[0]: row[1:] for row in rows_of(second, "scores", "customer_id, spend, row_hash")}


def test_a_suppressed_customer_is_not_written_and_leaves_by_a_tombstone(world: PublishingWorld) -> None:
    world.publish(0, 3)
    world.publisher.privacy.suppress(["c_0001"], FIRST_DAY, "asked")
    generation = world.publish(1, 3, 3)
    assert [who for (who,) in rows_of(generation, "scores", "customer_id")] == ["c_0000", "c_0002"]
    assert [who for (who,) in rows_of(generation, "offers", "customer_id")] == ["c_0000", "c_0002"]
    assert rows_of(generation, "scores_changes", "op, customer_id") == [("delete", "c_0001")]


def test_what_was_withdrawn_is_withheld_in_the_files(world: PublishingWorld) -> None:
    privacy = world.publisher.privacy
    privacy.withdraw(["c_0000"], "profiling", None, FIRST_DAY)
    privacy.withdraw(["c_0001"], "marketing", None, FIRST_DAY)
    privacy.withdraw(["c_0002"], "marketing", "sms", FIRST_DAY)
    generation = world.write(0, 3, 3)
    shown = rows_of(generation, "scores", "customer_id, status, churn_probability, may_profile, may_email")
    assert shown == [
        ("c_0000", "not_profiled", None, False, True),
        ("c_0001", "scored", 0.37, True, False),
        ("c_0002", "scored", 0.74, True, True),
    ]
    # Offers are not published at all to somebody without marketing by e-mail.
    assert [who for (who,) in rows_of(generation, "offers", "customer_id")] == ["c_0000", "c_0002"]


def test_a_backfill_is_compared_with_what_was_published_before_its_day(world: PublishingWorld) -> None:
    world.publish(0)
    world.publish(4)
    assert world.write(2).manifest.previous == "20250701-000000000000"


def test_a_column_that_does_not_keep_the_contract_is_named(world: PublishingWorld, tmp_path: Path) -> None:
    tables = world.tables(0)
    wrong = tmp_path / "wrong.parquet"
    duckdb.sql(f"copy (select * exclude (note), 1 as extra from '{tables['scores']}') to '{wrong}' (format parquet)")
    with pytest.raises(ContractError, match=r"scores.*note is missing.*extra is not in the contract"):
        world.publisher.write({**tables, "scores": wrong}, world.meta(0))
    with pytest.raises(ContractError, match="no file was handed over for offers"):
        world.publisher.write({"scores": tables["scores"]}, world.meta(0))


def test_a_dropped_column_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    world = PublishingWorld(tmp_path)
    world.publish(0)
    model = contract_model()
    del model["models"][0]["columns"][4]
    world.contract = contract_of(tmp_path, model)
    with pytest.raises(ContractError, match=r"scores.spend is gone"):
        world.write(1)


def test_what_a_killed_write_left_is_removed(world: PublishingWorld) -> None:
    leftover = world.root / "published" / ".writing-20250701-000000000000"
    leftover.mkdir(parents=True)
    (leftover / "tmp_scores.parquet").write_bytes(b"half")
    generation = world.write(0)
    assert not leftover.exists()
    assert {path.name for path in generation.folder.iterdir()} == {
        "manifest.json", "offers.parquet", "scores.parquet", "scores_changes.parquet", "views.duckdb",
    }  # fmt: skip


def test_an_offer_with_an_empty_title_is_not_one_without(world: PublishingWorld) -> None:
    generation = world.write(0, 3, [offer(1), offer(2, title=None)])
    assert rows_of(generation, "offers", "customer_id, title") == [("c_0001", ""), ("c_0002", None)]


def test_a_day_made_again_is_compared_with_what_readers_saw_of_that_day(world: PublishingWorld) -> None:
    first = world.publish(0, inputs="aa").generation_id
    world.publish(0, inputs="bb")
    world.publisher.files.rollback(CLOCK, first)
    assert world.write(0, inputs="cc").manifest.previous == first


def test_a_backfill_of_a_published_day_is_compared_with_that_day(world: PublishingWorld) -> None:
    first = world.publish(0, inputs="aa").generation_id
    world.publish(4)
    assert world.write(0, inputs="bb").manifest.previous == first
