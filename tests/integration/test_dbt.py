"""dbt's own unit tests, beside the models that decide, and the promise that every model is described."""

import json
from pathlib import Path

import pytest
from worlds import corner_shop, dbt

from orchestration.resources.dbt import project
from orchestration.workspace import Workspace


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
