"""What we did within a label window stands beside its label, changes no feature or outcome, is in no other window."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from ledger_world import publish_entries
from worlds import Deployment, corner_shop, features

from orchestration.inputs import finish, pinned
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


def seen(shop: Deployment) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features and labels of all as-ofs, by a run that came to its end."""
    features(shop, AS_OF, NEXT, SCORED)
    inputs = pinned(shop.workspace.state, SCORED.isoformat())
    finish(shop.workspace.state, inputs)
    folder = snapshot_folder(shop.workspace, inputs)
    found = (pd.read_parquet(folder / f"{name}.parquet") for name in ("customer_features", "customer_labels"))
    return next(found), next(found)


@pytest.mark.slow
def test_plays_stand_beside_the_label_of_their_window_and_nowhere_else(tmp_path: Path) -> None:
    shop = corner_shop(tmp_path, ORDERS, churn={"horizon_days": 30, "active_days": 365}, time_zone="UTC")
    before = seen(shop)
    assert before[1]["first_play"].isna().all()
    assert not before[1].query("as_of_date != @SCORED")["is_held_out"].any()
    with shop.workspace.warehouse() as warehouse:
        found = warehouse.execute("select identifier_id, customer_id from intermediate.int_identifiers_now").fetchall()
    ids = {identifier.removeprefix("account:"): customer for identifier, customer in found}
    decided = [(ids[account], *rest) for account, *rest in DECIDED]
    publish_entries(shop.workspace.state, NEXT, decided, {ids[one]: one == "B" for one in "ABCD"}, 0.2, "2025-02-01")
    after = seen(shop)
    pd.testing.assert_frame_equal(after[0], before[0])
    rest = [name for name in after[1].columns if name not in RECORDED]
    pd.testing.assert_frame_equal(after[1][rest], before[1][rest])
    recorded = after[1][RECORDED].astype(object).where(after[1][RECORDED].notna(), None)
    rows = zip(after[1]["customer_id"], after[1]["as_of_date"], recorded.to_numpy().tolist(), strict=True)
    account = {customer: name for name, customer in ids.items()}
    told = {(account[customer], day): row for customer, day, row in rows}
    both = round(0.2 + 0.8 * 0.1 * 0.2, 6)
    assert told["A", AS_OF] == ["call", "control", "mail", pytest.approx(both), 2, False]
    assert told["B", AS_OF] == ["call", "holdout", None, pytest.approx(0.2 + 0.8 * 0.1), 1, True]
    assert told["C", NEXT] == ["mail", "treatment", "mail", pytest.approx(0.2 + 0.8 * 0.2), 1, False]
    assert [told[key][4:] for key in (("C", AS_OF), ("D", AS_OF), ("A", NEXT))] == [[0, False]] * 3
    assert told["B", NEXT][4:] == [0, True]
    assert after[1].query("as_of_date == @SCORED")[RECORDED].isna().all().all(), "known when the label is due"
