"""Which touchpoint each feature comes from, and what is lost without one."""

from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from drift_world import write_snapshots
from worlds import corner_shop

from ml.store import open_store
from ml.value.training import TooLittleData
from orchestration import backtesting, data_worth, value
from orchestration.data_worth import FEATURES, Worth, features_by_touchpoint, lines
from orchestration.landing import land, load_contract
from orchestration.snapshots import FILES, snapshot_folder

ORDER = "o{n},1,{day}T10:00:00Z,a{n},p1,1,9.90\n"
HEAD = "order_id,line_number,ordered_at,account_id,product_id,quantity,unit_price\n"


def test_every_feature_says_which_touchpoint_it_comes_from() -> None:
    models = {model["name"]: model for model in yaml.safe_load(FEATURES.read_text())["models"]}
    names = {column["name"] for column in models["customer_features"]["columns"]} - {"as_of_date", "customer_id"}
    told = [name for names in features_by_touchpoint().values() for name in names]
    assert names <= set(told)
    assert len(told) == len(set(told)), "one touchpoint each"
    assert set(features_by_touchpoint()) <= set(load_contract())


def test_the_table_says_whom_a_touchpoint_names() -> None:
    table = lines([Worth("support_tickets", 5, ("email", "text"), {}), Worth("events", 13, (), {})])
    assert table[2].endswith("email, text")
    assert table[3].endswith("nobody")


def test_without_the_touchpoint_that_tells_churn_auc_is_lost_and_mlflow_keeps_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = (date(2023, 12, 1) + timedelta(7 * n) for n in range(80))
    orders = HEAD + "".join(ORDER.format(n=n, day=day) for n, day in enumerate(days))
    workspace = corner_shop(tmp_path, orders, churn={"horizon_days": 30, "label_delay_days": 5}).workspace
    workspace.state.prepare()
    land(workspace.shop, workspace.state, workspace.landing_folder, now=workspace.now(), settle_seconds=0,
         connect=workspace.connect)  # fmt: skip
    first, last = date(2025, 3, 1), date(2025, 4, 1)
    inputs = backtesting.inputs_of(workspace, [first, last])
    folder = snapshot_folder(workspace, inputs)
    dates = [date.fromisoformat(day) for day in inputs.training_dates]
    write_snapshots(folder, [*dates, last + timedelta(35)], last + timedelta(35))
    for name in FILES:
        (folder / f"{name}.parquet").touch()
    monkeypatch.setattr(value, "train_on", lambda *_, **__: TooLittleData("only churn is told", 0))

    (found,) = data_worth.worth_of_data(workspace, first, last)

    assert found.touchpoint == "orders"
    assert found.losses["churn"].low > 0.1, "what is left is noise"
    assert set(found.losses) == {"churn"}
    run = data_worth.track(workspace, [found], first, last)
    client = open_store(workspace.state.mlflow)
    experiment = client.get_experiment_by_name("corner.backtest").experiment_id
    (below,) = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run}'")
    assert below.info.run_name == "without orders"
    assert below.data.metrics["loss_of_auc"] == found.losses["churn"].value
    assert below.data.params["names"] == ", ".join(found.personal)
