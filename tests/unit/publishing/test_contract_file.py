"""The crm contract as written down, and that it only grows."""

from __future__ import annotations

from pathlib import Path

import pytest
from publishing_world import contract_model, contract_of

from orchestration.publishing.contract import Need
from orchestration.publishing.contract_file import load_contract
from orchestration.publishing.errors import ContractError

ACTIVATION = Path(__file__).parents[3] / "dbt_project/models/activation/activation.yml"


def test_the_projects_own_contract_can_be_read() -> None:
    contract = load_contract(ACTIVATION)
    scores = contract.table("customer_scores")
    assert scores.key == ("customer_id",)
    assert scores.column("churn_probability").needs == Need("profiling")
    assert {"crm_marketing", "crm_agent"} <= set(contract.roles)


def test_a_change_feed_carries_an_op_and_the_content_only(tmp_path: Path) -> None:
    feed = contract_of(tmp_path).table("scores_changes")
    names = [column.name for column in feed.columns]
    assert names[0] == "op"
    assert "churn_probability" in names
    assert not {"percentile", "as_of"} & set(names)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"key": ["nobody"]}, "meta.key"),
        ({"rolls": ["crm_agent"]}, "rolls"),
    ],
)
def test_a_mistake_in_a_tables_meta_is_named(tmp_path: Path, change: dict[str, object], named: str) -> None:
    model = contract_model()
    model["models"][0]["config"]["meta"].update(change)
    with pytest.raises(ContractError, match=named):
        contract_of(tmp_path, model)


def test_a_type_that_not_every_sink_knows_is_refused(tmp_path: Path) -> None:
    model = contract_model()
    model["models"][0]["columns"][4]["data_type"] = "hugeint"
    with pytest.raises(ContractError, match=r"scores.spend.*hugeint"):
        contract_of(tmp_path, model)


def test_a_column_may_be_added_but_not_dropped_or_retyped(tmp_path: Path) -> None:
    before = contract_of(tmp_path)
    model = contract_model()
    model["models"][0]["columns"].append({"name": "tier", "data_type": "varchar"})
    contract_of(tmp_path, model).require_additive(before.shape)
    del model["models"][0]["columns"][4]
    model["models"][1]["columns"][1]["data_type"] = "bigint"
    with pytest.raises(ContractError, match=r"scores.spend is gone.*offers.rank was integer and is now bigint"):
        contract_of(tmp_path, model).require_additive(before.shape)
