"""dbt's own unit tests, beside the models that decide, and the promise that every model is described."""

import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import pytest
from worlds import corner_shop, dbt

from orchestration.resources import dbt as resource
from orchestration.resources.dbt import project
from orchestration.resources.dbt_process import PARSED
from orchestration.workspace import Workspace

ORDER_DAYS = """
    select
        date '2025-03-01' as as_of_date,
        cast(person as varchar) as customer_id,
        cast(age as integer) as age_days,
        cast(1 as bigint) << ((age + person) * (age + person) * 7919 + age * person) % 1000003 % 47 as spend_cents
    from unnest([12099, 93258, 123938]) as people(person), range(1, 366) as ages(age)
    order by age"""
"""A year of orders of three people, found among 300 000: sums of doubles in two orders differ at the sixth place."""


@pytest.fixture(scope="module")
def empty_shop(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A shop whose warehouse holds every model, without a row."""
    workspace = corner_shop(tmp_path_factory.mktemp("dbt"), "").workspace
    dbt(workspace, {}, "run")
    return workspace


def test_the_unit_tests_of_models_pass(empty_shop: Workspace) -> None:
    output = dbt(empty_shop, {}, "test", "-s", "test_type:unit")
    assert "ERROR=0" in output
    assert "PASS=0" not in output


def test_a_shop_without_a_single_row_passes_every_data_test(empty_shop: Workspace) -> None:
    assert "ERROR=0" in dbt(empty_shop, {}, "test", "-s", "test_type:data")


def test_what_a_model_reads_depends_on_no_variable(tmp_path: Path) -> None:
    """All runs of all shops share one parsed project: what is read only for some must be known for all."""
    variables = {"churn_mode": "subscription", "churn_activity": "events", "has_orders": False, "input_manifest": "x"}
    dbt(corner_shop(tmp_path, "").workspace, variables, "parse")
    assert _read(tmp_path / "data" / "corner" / "dbt" / "manifest.json") == _read(project().manifest_path)


def test_another_release_of_dbt_or_of_its_adapter_parses_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    assert version("dbt-core") in PARSED.name
    assert version("dbt-duckdb") in PARSED.name
    project()
    asked: list[Path] = []
    monkeypatch.setattr(resource, "_parse", asked.append)
    project()
    assert asked == []
    monkeypatch.setattr(resource, "PARSED", PARSED.with_name("parsed-0.0.0-0.0.0.msgpack"))
    project()
    assert len(asked) == 1


def test_what_dbt_wrote_by_hand_after_a_change_does_not_hide_the_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(resource, "_parse", asked.append)
    older = tmp_path / PARSED.name
    older.touch()
    os.utime(older, (0, 0))
    monkeypatch.setattr(resource, "PARSED", older)
    project()  # the manifest is new, as dbt leaves it
    assert len(asked) == 1


def _read(manifest: Path) -> dict[str, list[str]]:
    """What each node reads, by its name."""
    nodes = json.loads(manifest.read_text())["nodes"].values()
    return {node["unique_id"]: sorted(node["depends_on"].get("nodes", [])) for node in nodes}


def test_every_model_is_described() -> None:
    nodes = json.loads(Path(project().manifest_path).read_text())["nodes"].values()
    silent = sorted(node["name"] for node in nodes if node["resource_type"] == "model" and not node["description"])
    assert silent == []


def test_every_published_column_is_described_and_under_contract() -> None:
    nodes = json.loads(Path(project().manifest_path).read_text())["nodes"].values()
    published = [node for node in nodes if node["resource_type"] == "model" and node["schema"] == "activation"]
    assert len(published) >= 4
    for node in published:
        assert node["config"]["contract"]["enforced"], node["name"]
        assert all(column["description"] for column in node["columns"].values()), node["name"]


def test_the_season_of_values_is_the_same_to_the_last_bit_in_any_order_of_rows(empty_shop: Workspace) -> None:
    (compiled,) = empty_shop.state.dbt.glob("compiled/*/models/features/order_value_seasons.sql")
    told = []
    for order in ("", "desc", "* 7919 % 366", "* 104729 % 366"):
        with duckdb.connect() as connection:
            name = empty_shop.state.warehouse.stem
            connection.execute(f"attach ':memory:' as {name}; use {name}")
            connection.execute("create schema features; create schema intermediate")
            connection.execute(f"create table features.snapshot_order_days as {ORDER_DAYS} {order}, person")
            connection.execute("""
                create table intermediate.int_profiled_customers as
                select distinct as_of_date, customer_id, true as is_profiled from features.snapshot_order_days""")
            told.append(connection.execute(compiled.read_text()).fetchall())
    assert told[0][0][1] == 3 * 364
    assert told == [told[0]] * len(told)


@pytest.mark.parametrize("model", ["recommender_interactions", "recommender_outcomes"])
def test_no_plan_begins_with_every_person_times_every_item_of_a_date(empty_shop: Workspace, model: str) -> None:
    """Which a guess at the number of rows, different in every build, made of them in one build of ten."""
    (compiled,) = empty_shop.state.dbt.glob(f"compiled/*/models/features/{model}.sql")
    with duckdb.connect() as connection:
        name = empty_shop.state.warehouse.stem
        connection.execute(f"attach ':memory:' as {name}")
        connection.execute(f"attach '{empty_shop.state.warehouse}' as built (read_only)")
        connection.execute(f"copy from database built to {name}; use {name}")
        # Where few have done so much, persons times items look like the cheapest beginning.
        connection.execute("""
            insert into features.recommender_identifiers by name
            select date '2025-01-01' as as_of_date, 'i' || n as identifier_id, 'c' || n as customer_id,
                'c' || n as customer_id_now, true as is_profiled, true as may_see_sensitive from range(9) as many(n);
            insert into intermediate.int_identifiers_now by name
            select identifier_id, customer_id from features.recommender_identifiers;
            insert into features.recommender_catalogue by name
            select date '2025-01-01' as as_of_date, 'p' || n as product_id, false as is_sensitive
            from range(9) as many(n);
            insert into marts.daily_product_activity by name
            select 'i' || n % 9 as identifier_id, 'p' || n % 7 as product_id, date '2024-12-01' as activity_date,
                date '2024-12-02' as visible_from_date, 1 as order_lines from range(50000) as many(n)""")
        (plan,) = connection.execute(f"explain (format json) {compiled.read_text()}").fetchone()[1:]
    joined = [tables for tables in _joined(json.loads(plan)[0]) if tables]
    assert any({"recommender_catalogue", "daily_product_activity"} <= tables for tables in joined)
    assert {"recommender_catalogue", "recommender_identifiers"} not in joined


def _joined(step: dict[str, Any]) -> list[set[str]]:
    """Names of the tables under each join of a plan, for every step of it the set of all below it (empty: no join)."""
    return [_scanned(step) if "JOIN" in step["name"] else set()] + [
        found for child in step["children"] for found in _joined(child)
    ]


def _scanned(step: dict[str, Any]) -> set[str]:
    own = step.get("extra_info", {}).get("Table", "").rsplit(".", 1)[-1]
    return ({own} if own else set()).union(*(_scanned(child) for child in step["children"]))
