"""What we did within a label window stands beside its label, changes no feature or outcome, is in no other window."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from worlds import Deployment, corner_shop, features

from ml.actions.tables import ASSIGNMENTS, DECISIONS
from orchestration.inputs import action_ledger_file, pinned
from orchestration.publishing.records import Record, Records
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


def plant(shop: Deployment, ids: Mapping[str, str]) -> None:
    """The ledger of a generation that readers saw."""
    state = shop.workspace.state
    since = datetime.fromisoformat("2025-02-01")
    assigned = [
        {
            "customer_id": ids[account], "experiment": "global", "arm": "holdout" if account == "B" else "treatment",
            "share": 0.2, "assigned_as_of": since,
        }
        for account in "ABCD"
    ]  # fmt: skip
    made = [
        {
            "action_id": f"a{n}", "customer_id": ids[account], "play": play, "arm": arm,
            "decided_as_of": datetime.fromisoformat(at), "propensity": propensity, "channel": "email",
        }
        for n, (account, play, arm, at, propensity) in enumerate(DECIDED)
    ]  # fmt: skip
    for name, rows, schema in (("decisions", made, DECISIONS), ("holdouts", assigned, ASSIGNMENTS)):
        file = action_ledger_file(state, name, "seen")
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), file)
    Records(state.published).put(
        Record(
            generation_id="g", inputs_id="seen", as_of="2025-03-31T00:00:00", as_of_date="2025-03-31", run_id="r",
            started_at="2025-03-31", contract_version=1, previous=None, published_at="2025-03-31",
        )
    )  # fmt: skip


def seen(shop: Deployment) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features and labels of all as-ofs."""
    features(shop, AS_OF, NEXT, SCORED)
    folder = snapshot_folder(shop.workspace, pinned(shop.workspace.state, SCORED.isoformat()))
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
    plant(shop, ids)
    after = seen(shop)
    pd.testing.assert_frame_equal(after[0], before[0])
    rest = [name for name in after[1].columns if name not in RECORDED]
    pd.testing.assert_frame_equal(after[1][rest], before[1][rest])
    told = {
        (account, day): after[1].query("customer_id == @customer and as_of_date == @day")[RECORDED].iloc[0].tolist()
        for account, customer in ids.items() for day in (AS_OF, NEXT)
    }  # fmt: skip
    both = round(0.2 + 0.8 * 0.1 * 0.2, 6)
    assert told["A", AS_OF] == ["call", "control", "mail", pytest.approx(both), 2, False]
    assert told["B", AS_OF] == ["call", "holdout", None, pytest.approx(0.2 + 0.8 * 0.1), 1, True]
    assert told["C", NEXT] == ["mail", "treatment", "mail", pytest.approx(0.2 + 0.8 * 0.2), 1, False]
    assert [told[key][4:] for key in (("C", AS_OF), ("D", AS_OF), ("A", NEXT))] == [[0, False]] * 3
    assert told["B", NEXT][4:] == [0, True]
    assert after[1].query("as_of_date == @SCORED")[RECORDED].isna().all().all(), "known when the label is due"
