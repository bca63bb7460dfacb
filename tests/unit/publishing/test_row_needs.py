"""Rows that each name the purpose they stand on: gone when it is withdrawn, in files and in Postgres, and audited."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from publishing_world import PublishingWorld, contract_model, contract_of, offer
from test_audit import audit, failed, grants_file

from ml.quality.suites import suite
from orchestration.publishing.errors import ContractError

PERMISSIONS = ["service", "marketing/email", "marketing/push"]
ROWS = [
    offer(1, stands_on="marketing/email"), offer(1, rank=2, stands_on="marketing/push"),
    offer(2, stands_on="marketing/email"), offer(3, stands_on="service"), offer(4, stands_on=None),
]  # fmt: skip


def with_row_needs(allowed: list[str] | None = PERMISSIONS, named: str = "stands_on") -> dict[str, Any]:
    """The offers of the tiny shop, each on a permission of its own instead of all on e-mail."""
    model = contract_model()
    offers = model["models"][1]
    del offers["config"]["meta"]["needs"]
    offers["config"]["meta"]["row_needs"] = [named]
    meta = {} if allowed is None else {"meta": {"allowed": allowed}}
    offers["columns"].append({"name": "stands_on", "data_type": "varchar", "config": meta})
    return model


@pytest.fixture
def world(tmp_path: Path) -> PublishingWorld:
    world = PublishingWorld(tmp_path)
    world.contract = contract_of(tmp_path, with_row_needs())
    return world


@pytest.fixture
def served(world: PublishingWorld, database: str) -> PublishingWorld:
    world.url = database
    return world


def shown(world: PublishingWorld) -> list[tuple[Any, ...]]:
    return world.read("offers", "customer_id, stands_on")


ALL = [("c_0001", "marketing/email"), ("c_0001", "marketing/push"), ("c_0002", "marketing/email"),
       ("c_0003", "service"), ("c_0004", None)]  # fmt: skip


@pytest.mark.parametrize(
    ("purpose", "channel", "gone"),
    [
        ("marketing", "email", {("c_0001", "marketing/email")}),
        ("marketing", None, {("c_0001", "marketing/email"), ("c_0001", "marketing/push")}),
        ("service", None, set()),
        ("profiling", None, set()),
    ],
)
def test_a_row_vanishes_when_what_it_stands_on_is_withdrawn(
    world: PublishingWorld, purpose: str, channel: str | None, gone: set[tuple[str, str]]
) -> None:
    world.publish(0, 5, ROWS)
    assert shown(world) == ALL
    world.publisher.privacy.withdraw(["c_0001"], purpose, channel, world.publisher.now().replace(tzinfo=None))
    assert shown(world) == [row for row in ALL if row not in gone]
    generation = world.write(1, 5, ROWS)
    assert generation.manifest.rows["offers"] == len(ALL) - len(gone)


def test_in_postgres_it_vanishes_and_comes_back(served: PublishingWorld) -> None:
    served.publish(0, 5, ROWS)

    def in_postgres() -> list[tuple[Any, ...]]:
        with psycopg.connect(str(served.url), autocommit=True) as connection:
            select = "select customer_id, stands_on from crm.offers order by customer_id, rank"
            return connection.execute(select).fetchall()

    assert in_postgres() == ALL
    served.publisher.withdraw(["c_0002"], "marketing", "email")
    assert in_postgres() == [row for row in ALL if row[0] != "c_0002"]
    served.publisher.reinstate(["c_0002"], "marketing", "email")
    assert in_postgres() == ALL


def test_the_audit_refuses_a_row_without_a_standing_grant(world: PublishingWorld, tmp_path: Path) -> None:
    people = ("c_0001", "c_0002", "c_0003")
    grants = grants_file(tmp_path, [
        *[(one, "profiling", None, True) for one in ("c_0000", *people, "c_0004")],
        *[(one, "marketing", "email", one != "c_0002") for one in ("c_0000", *people, "c_0004")],
        ("c_0001", "marketing", "push", True),
    ])  # fmt: skip
    found = failed(audit(world, world.write(0, 5, ROWS), grants))
    of_offers = {name: rows for name, rows in found.items() if name.startswith("offers")}
    assert of_offers == {"offers.marketing_email_standing_grant": 1, "offers.service_standing_grant": 1}


@pytest.mark.parametrize(("allowed", "named"), [(None, "stands_on"), (PERMISSIONS, "stands_of")])
def test_a_column_of_row_needs_must_exist_and_list_what_it_may_say(
    tmp_path: Path, allowed: list[str] | None, named: str
) -> None:
    with pytest.raises(ContractError, match=f"row_needs names '{named}'"):
        contract_of(tmp_path, with_row_needs(allowed, named))


def test_a_table_whose_size_varies_is_not_stopped_by_a_fall(tmp_path: Path) -> None:
    model = contract_model()
    model["models"][1]["config"]["meta"]["varies"] = True
    severities = {
        table.name: next(rule.severity.value for rule in suite(table) if rule.name == "no_fall")
        for table in contract_of(tmp_path, model).given
    }
    assert severities == {"scores": "critical", "offers": "warning"}
