"""Who tells lifetimes in which shop, from the files of a run to the scores."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from season_world import lives
from worlds import corner_shop

from ml.btyd.expectations import COLUMNS, HISTORY
from orchestration import churn, inputs
from orchestration.snapshots import snapshot_folder
from orchestration.workspace import Workspace

AS_OF = date(2025, 7, 1)
CUSTOMERS = 400


def run_of(workspace: Workspace) -> inputs.Inputs:
    """Inputs of a run that scores, with the snapshot files of a shop with orders beside them."""
    workspace.state.prepare()
    pinned = inputs.pin(workspace.state, workspace.shop, AS_OF, training_dates=(), champions={})
    folder = snapshot_folder(workspace, pinned)
    folder.mkdir(parents=True)
    stats, repeats, *_ = lives(300, customers=CUSTOMERS)
    own = pd.DataFrame(dict(zip(HISTORY, (stats.frequency, stats.age, stats.age - stats.recency), strict=True)))
    own.insert(0, "as_of_date", AS_OF)
    named = own.assign(customer_id=[f"c_{n:04d}" for n in range(CUSTOMERS)])
    labels = named[["as_of_date", "customer_id"]].assign(
        is_eligible=own["days_since_last_order"] < 200, is_profiled=True, status_if_not_eligible="not_eligible",
        has_churned=pd.Series([None] * CUSTOMERS, dtype="boolean"),
    )  # fmt: skip
    totals = pd.DataFrame({"as_of_date": AS_OF, "age_days": np.arange(1, len(repeats) + 1), "customers": repeats})
    for name, frame in (
        ("customer_features", named.assign(**dict.fromkeys(COLUMNS, np.nan), contract_age_days=90.0)),
        ("customer_labels", labels),
        ("order_histories", own.groupby(["as_of_date", *HISTORY]).size().reset_index(name="customers")),
        ("repeat_order_totals", totals[totals["customers"] > 0]),
    ):
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    return pinned


def lifetimes(workspace: Workspace, pinned: inputs.Inputs) -> pd.DataFrame:
    churn.score(workspace, pinned)
    scores = pd.read_parquet(workspace.state.scores / pinned.inputs_id / "churn_scores.parquet")
    features = pd.read_parquet(snapshot_folder(workspace, pinned) / "customer_features.parquet")
    return scores.merge(features, on="customer_id")


def test_in_a_shop_with_orders_everybody_has_a_lifetime_without_any_model_trained(tmp_path: Path) -> None:
    workspace = corner_shop(tmp_path, "").workspace
    told = lifetimes(workspace, run_of(workspace))
    assert set(told["status"]) == {"insufficient_data", "not_eligible"}
    days = told["expected_remaining_lifetime_days"]
    assert days.between(0, 1825).all()
    assert days[told["status"] == "not_eligible"].median() < days[told["status"] == "insufficient_data"].median()


@pytest.mark.parametrize(
    "settings",
    [
        {"touchpoints": {"subscriptions": {"files": "s*.csv", "known_at": "t"}}, "churn": {"mode": "subscription"}},
        {"touchpoints": {"events": {"files": "e*.csv", "known_at": "t"}}, "churn": {"activity": "events"}},
    ],
)
def test_where_churn_is_not_told_from_orders_nothing_is_told_before_contracts_have_taught(
    tmp_path: Path, settings: dict[str, object]
) -> None:
    workspace = corner_shop(tmp_path, "", **settings).workspace
    assert lifetimes(workspace, run_of(workspace))["expected_remaining_lifetime_days"].isna().all()
