"""What we did within a label window stands beside its label, is no feature, and is in no other window."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from ledger_world import publish_entries
from worlds import corner_shop, features

from ml.identity.ledger import customer_id_of
from orchestration.inputs import pinned
from orchestration.privacy.keys import load_keys
from orchestration.snapshots import snapshot_folder

AS_OF, NEXT, SCORED = date(2025, 3, 1), date(2025, 3, 31), date(2025, 5, 15)
ORDERS = "order_id,line_number,ordered_at,account_id,product_id,quantity,unit_price\n" + "".join(
    f"{account}{month},1,2025-0{month}-10T10:00:00Z,{account},P1,1,10\n" for account in "ABCD" for month in (1, 2, 3)
)
DECIDED = [
    ("A", "call", "control", "2025-03-01", 0.1 * 0.8),
    ("A", "mail", "treatment", "2025-03-30 23:59:59", 0.8 * 0.8),
    ("B", "call", "holdout", "2025-03-10", 0.2),
    ("C", "call", "treatment", "2025-02-28 23:59:59", 0.9 * 0.8),
    ("C", "mail", "treatment", "2025-03-31", 0.8 * 0.8),
]
"""Account, play, arm, instant, propensity; the first window is that of March to the 30th."""
RECORDED = ["first_play", "first_arm", "treated_play", "untreated_propensity", "plays_decided", "is_held_out"]


@pytest.mark.slow
def test_plays_stand_beside_the_label_of_their_window_and_nowhere_else(tmp_path: Path) -> None:
    shop = corner_shop(tmp_path, ORDERS, churn={"horizon_days": 30, "active_days": 365}, time_zone="UTC")
    load_keys(shop.workspace.state)  # a shop with data and without keys is refused
    ids = {account: customer_id_of(f"account:{account}") for account in "ABCD"}
    decided = [(ids[account], *rest) for account, *rest in DECIDED]
    publish_entries(shop.workspace.state, NEXT, decided, {ids[one]: one == "B" for one in "ABCD"}, 0.2, "2025-02-01")
    assert not set(RECORDED) & set(features(shop, AS_OF, NEXT, SCORED).columns), "what came after is no feature"
    folder = snapshot_folder(shop.workspace, pinned(shop.workspace.state, SCORED.isoformat()))
    labels = pd.read_parquet(folder / "customer_labels.parquet")
    recorded = labels[RECORDED].astype(object).where(labels[RECORDED].notna(), None)
    rows = zip(labels["customer_id"], labels["as_of_date"], recorded.to_numpy().tolist(), strict=True)
    account = {customer: name for name, customer in ids.items()}
    told = {(account[customer], day): row for customer, day, row in rows}
    both = round(0.2 + 0.8 * 0.1 * 0.2, 6)
    assert told["A", AS_OF] == ["call", "control", "mail", pytest.approx(both), 2, False]
    assert told["B", AS_OF] == ["call", "holdout", None, pytest.approx(0.2 + 0.8 * 0.1), 1, True]
    assert told["C", NEXT] == ["mail", "treatment", "mail", pytest.approx(0.2 + 0.8 * 0.2), 1, False]
    assert [told[key][4:] for key in (("C", AS_OF), ("D", AS_OF), ("A", NEXT))] == [[0, False]] * 3
    assert told["B", NEXT][4:] == [0, True]
    assert [told[one, SCORED] for one in "ABCD"] == [[None] * len(RECORDED)] * 4, "known when the label is due"
