"""Two customers of an as-of who have been found to be one person since: both came back, what they spent counts once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from worlds import Deployment, corner_shop, features

from ml.identity.ledger import customer_id_of
from orchestration.inputs import pinned
from orchestration.outcomes import VALUE, churn, outcomes
from orchestration.snapshots import snapshot_folder

AS_OF, SCORED = date(2025, 3, 1), date(2025, 5, 15)
PRICE = {"A": 10, "B": 100, "C": 7, "D": 5, "N": 1000, "Z": 1}
"""Account: what its orders cost. A, B and N are found to be one person after the horizon; N was not known before it."""
CUSTOMERS, ORDERED = "ABCD", {1: "A", 2: "BCD", 3: "BCN", 5: "Z"}
"""Those of the as-of, and who orders in each month; the horizon is that of March."""
ORDERS = "order_id,line_number,ordered_at,account_id,product_id,quantity,unit_price\n" + "".join(
    f"{account}{month},1,2025-0{month}-10T10:00:00Z,{account},P1,1,{PRICE[account]}\n"
    for month, accounts in ORDERED.items()
    for account in accounts
)
LINKS = "left_type,left_value,right_type,right_value,seen_at\n" + "".join(
    f"account,{left},account,{right},2025-04-10T10:00:00Z\n" for left, right in ("AB", "BN")
)
IDS = {account: customer_id_of(f"account:{account}") for account in CUSTOMERS}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The warehouse of the scored as-of, with snapshots of the earlier one."""
    given = {
        "touchpoints": {name: {"files": f"{name}*.csv", "history": True} for name in ("orders", "identities")},
        "churn": {"horizon_days": 30, "active_days": 365}, "time_zone": "UTC",
    }  # fmt: skip
    shop = corner_shop(tmp_path_factory.mktemp("merged"), ORDERS, **given)
    (shop.workspace.landing_folder / "identities.csv").write_text(LINKS)
    features(shop, AS_OF, SCORED)
    return shop


@pytest.fixture(scope="module")
def labels(shop: Deployment) -> pd.DataFrame:
    """Of the earlier as-of, by account."""
    folder = snapshot_folder(shop.workspace, pinned(shop.workspace.state, SCORED.isoformat()))
    rows = pd.read_parquet(folder / "customer_labels.parquet")
    rows = rows[pd.to_datetime(rows["as_of_date"]) == pd.Timestamp(AS_OF)].set_index("customer_id")
    assert set(rows.index) == set(IDS.values()), "four customers then"
    return rows.loc[list(IDS.values())].set_axis(list(IDS))


def test_each_row_has_what_its_own_identifiers_brought_and_the_heir_the_rest(labels: pd.DataFrame) -> None:
    assert labels["net_spend_within_horizon"].astype(float).to_dict() == {"A": 1000, "B": 100, "C": 7, "D": 0}
    assert labels["orders_within_horizon"].to_dict() == {"A": 1, "B": 1, "C": 1, "D": 0}


def test_whoever_a_person_was_then_came_back(labels: pd.DataFrame) -> None:
    assert labels["has_churned"].to_dict() == {"A": False, "B": False, "C": False, "D": True}


def test_what_is_judged_later_is_what_was_learned(shop: Deployment, labels: pd.DataFrame, tmp_path: Path) -> None:
    file, workspace = tmp_path / "scores.parquet", shop.workspace
    scores = {"customer_id": list(IDS.values()), "predicted_clv": 1.0, "churn_probability": 0.5}
    pd.DataFrame(scores).to_parquet(file)
    value, gone = (
        outcomes(workspace, told, AS_OF, file).set_index("customer_id").loc[list(IDS.values())].set_axis(list(IDS))
        for told in (VALUE, churn(workspace))
    )
    assert value["net_spend"].to_list() == labels["net_spend_within_horizon"].astype(float).to_list()
    assert value["orders"].to_list() == labels["orders_within_horizon"].to_list()
    assert gone["has_churned"].to_list() == labels["has_churned"].to_list()
