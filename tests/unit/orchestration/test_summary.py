"""What the end of a run says of what it could not see."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from worlds import corner_shop

from orchestration.landing import land
from orchestration.summary import landed_too_late

ORDERS = "order_id,line_number,ordered_at,account_id,quantity,unit_price\n1,1,2024-06-01T10:00:00Z,a1,1,9.90\n"
CUSTOMERS = "account_id,email\na1,a@example.org\n"


@pytest.mark.parametrize(
    ("day", "landed"),
    [
        (date(2025, 7, 1), datetime(2025, 7, 1, 4, tzinfo=UTC)),  # six in the morning of Berlin
        (date(2025, 3, 30), datetime(2025, 3, 30, 5, tzinfo=UTC)),  # seven, for the clocks went forward
        (date(2024, 10, 27), datetime(2024, 10, 27, 4, tzinfo=UTC)),  # five, for they went back
    ],
)
def test_what_landed_after_the_as_of_could_know_of_it_is_named(tmp_path: Path, day: date, landed: datetime) -> None:
    touchpoints = {"orders": {"files": "orders*", "history": True}, "customers": {"files": "customers*"}}
    workspace = corner_shop(tmp_path, ORDERS, touchpoints=touchpoints, time_zone="Europe/Berlin").workspace
    (workspace.landing_folder / "customers.csv").write_text(CUSTOMERS)
    workspace.state.prepare()
    land(workspace.shop, workspace.state, workspace.landing_folder, now=landed, settle_seconds=0,
         connect=workspace.connect)  # fmt: skip
    assert landed_too_late(workspace, day) == ["customers"]
    assert landed_too_late(workspace, day + timedelta(1)) == []


def test_what_landed_within_the_lag_of_the_day_on_which_clocks_go_forward_counts(tmp_path: Path) -> None:
    touchpoints = {"orders": {"files": "orders*"}}
    workspace = corner_shop(tmp_path, ORDERS, touchpoints=touchpoints, time_zone="Europe/Berlin").workspace
    workspace.state.prepare()
    landed = datetime(2025, 3, 30, 4, 59, tzinfo=UTC)
    land(workspace.shop, workspace.state, workspace.landing_folder, now=landed, settle_seconds=0,
         connect=workspace.connect)  # fmt: skip
    assert landed_too_late(workspace, date(2025, 3, 30)) == []
    assert landed_too_late(workspace, date(2025, 3, 29)) == ["orders"]
