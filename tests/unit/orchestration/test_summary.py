"""What the end of a run says of what it could not see."""

from datetime import UTC, date, datetime
from pathlib import Path

from worlds import corner_shop

from orchestration.landing import land
from orchestration.summary import landed_too_late

ORDERS = "order_id,line_number,ordered_at,account_id,quantity,unit_price\n1,1,2025-06-01T10:00:00Z,a1,1,9.90\n"
CUSTOMERS = "account_id,email\na1,a@example.org\n"


def test_what_landed_after_the_as_of_could_know_of_it_is_named(tmp_path: Path) -> None:
    touchpoints = {"orders": {"files": "orders*", "history": True}, "customers": {"files": "customers*"}}
    workspace = corner_shop(tmp_path, ORDERS, touchpoints=touchpoints, time_zone="Europe/Berlin").workspace
    (workspace.landing_folder / "customers.csv").write_text(CUSTOMERS)
    workspace.state.prepare()
    landed = datetime(2025, 7, 1, 4, 0, tzinfo=UTC)  # six in the morning of Berlin, when as-of 1 July closes
    land(workspace.shop, workspace.state, workspace.landing_folder, now=landed, settle_seconds=0,
         connect=workspace.connect)  # fmt: skip
    assert landed_too_late(workspace, date(2025, 7, 1)) == ["customers"]
    assert landed_too_late(workspace, date(2025, 7, 2)) == []
