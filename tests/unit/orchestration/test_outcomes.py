"""Whether a horizon is over in what has landed: by the days of the shop, not by those of UTC."""

from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from worlds import corner_shop

from orchestration.contract_payments import CONTRACT_VALUE
from orchestration.landing import land
from orchestration.models import first_activity, last_activity
from orchestration.outcomes import VALUE, Happened, churn, outcomes
from orchestration.state import StateError
from orchestration.workspace import Workspace

AS_OF = date(2025, 3, 1)
EVENING, MORNING = "2025-04-01 03:00", "2025-04-01 15:00"
"""In UTC; in Los Angeles the first one is 31 March, and the horizon of 32 days ends with 1 April."""
WAREHOUSE = """
    create schema marts; create schema staging; create schema identity;
    create table identity.customer_ledger as select 'account:a' as identifier_id, 'c' as customer_id;
    create table identity.person_spans as
        select *, timestamp '2000-01-01' as known_from, timestamp '9999-01-01' as known_to
        from identity.customer_ledger;
    create table identity.redirects (
        customer_id varchar, surviving_customer_id varchar, known_from timestamp, known_to timestamp
    );
    create table marts.fct_order_lines as
        select 'account:a' as identifier_id, timestamp '{newest}' as occurred_at, 1 as line_change;
    create table marts.fct_events as from marts.fct_order_lines;
    create table staging.stg_subscriptions as from marts.fct_order_lines;
"""
SHOPS: dict[str, dict[str, object]] = {
    "orders": {},
    "events": {"touchpoints": {"events": {"files": "e*.csv", "known_at": "t"}}, "churn": {"activity": "events"}},
    "subscriptions": {
        "touchpoints": {"subscriptions": {"files": "s*.csv", "known_at": "t"}}, "churn": {"mode": "subscription"},
    },
}  # fmt: skip


def western(folder: Path, kind: str) -> Workspace:
    settings = dict(SHOPS[kind])
    settings["churn"] = {**settings.get("churn", {}), "horizon_days": 32}  # type: ignore[dict-item]
    workspace = corner_shop(folder, "", time_zone="America/Los_Angeles", **settings).workspace
    workspace.state.prepare()
    return workspace


def happened_by(workspace: Workspace, told: Happened, newest: str) -> pd.DataFrame:
    """What is told of one customer who was scored, where nothing has landed after an instant."""
    workspace.state.warehouse.unlink(missing_ok=True)
    with duckdb.connect(str(workspace.state.warehouse)) as warehouse:
        warehouse.execute(WAREHOUSE.format(newest=newest))
    scores = workspace.state.root / "scores.parquet"
    pd.DataFrame({"customer_id": ["c"], told.score: [0.5]}).to_parquet(scores)
    return outcomes(workspace, told, AS_OF, scores)


@pytest.mark.parametrize("kind", [*SHOPS, "contract payments"])
def test_an_evening_that_is_the_next_day_in_utc_does_not_end_a_horizon(tmp_path: Path, kind: str) -> None:
    workspace = western(tmp_path, kind if kind in SHOPS else "subscriptions")
    told = churn(workspace) if kind in SHOPS else CONTRACT_VALUE
    with pytest.raises(StateError, match="ends on 2025-04-02; data have landed up to 2025-03-31"):
        happened_by(workspace, told, EVENING)


def test_the_morning_after_it_does(tmp_path: Path) -> None:
    workspace = western(tmp_path, "orders")
    assert happened_by(workspace, churn(workspace), MORNING)["has_churned"].tolist() == [False]


def test_of_two_midnights_the_first_ends_a_horizon(tmp_path: Path) -> None:
    """In Havana 2 November 2025 begins at 4 o'clock UTC, and is put back to its midnight an hour later."""
    churn_rules = {"horizon_days": (date(2025, 11, 2) - AS_OF).days, "active_days": 365}
    workspace = corner_shop(tmp_path, "", time_zone="America/Havana", churn=churn_rules).workspace
    workspace.state.prepare()
    assert happened_by(workspace, churn(workspace), "2025-11-02 04:30")["has_churned"].tolist() == [True]
    assert happened_by(workspace, churn(workspace), "2025-11-02 03:30")["has_churned"].tolist() == [False]


MERGED = """
    insert into identity.customer_ledger values ('account:b', 'd');
    insert into identity.person_spans values
        ('account:b', '{then}', timestamp '2000-01-01', timestamp '2025-03-20'),
        ('account:b', 'c', timestamp '2025-03-20', timestamp '9999-01-01'),
        ('account:new', 'c', timestamp '2025-03-20', timestamp '9999-01-01');
    create table marts.daily_activity as
        select identifier_id, date '2025-03-25' as activity_date, 1 as orders, cents as spend_cents, 0 as returned_cents
        from (values ('account:b', 10000), ('account:new', 700)) as bought(identifier_id, cents)
        union all select 'account:stranger', date '2025-06-01', 1, 1, 0;
    insert into marts.fct_order_lines values ('account:b', timestamp '2025-03-25', 1);
"""


@pytest.mark.parametrize("then", ["d", pytest.param("c", id="by history that came late, c already then")])
def test_what_one_person_bought_who_was_two_customers_counts_once(tmp_path: Path, then: str) -> None:
    workspace = western(tmp_path, "orders")
    with duckdb.connect(str(workspace.state.warehouse)) as warehouse:
        warehouse.execute(WAREHOUSE.format(newest=MORNING) + MERGED.format(then=then))
    scores = workspace.state.root / "scores.parquet"
    pd.DataFrame({"customer_id": ["c", "d"], VALUE.score: 50.0, "churn_probability": 0.5}).to_parquet(scores)
    assert outcomes(workspace, VALUE, AS_OF, scores)["net_spend"].tolist() == [7, 100]
    assert outcomes(workspace, churn(workspace), AS_OF, scores)["has_churned"].tolist() == [False, False]


SHARED = """
    insert into identity.customer_ledger values ('cookie:k', 'k'), ('account:k', 'now');
    insert into identity.person_spans values
        ('cookie:k', 'k', timestamp '2000-01-01', timestamp '2025-03-20'),
        ('account:k', 'k', timestamp '2025-03-10', timestamp '2025-03-20'),
        ('account:k', 'now', timestamp '2025-03-20', timestamp '9999-01-01');
    insert into identity.redirects values
        ('k', 'now', timestamp '2025-03-20', timestamp '9999-01-01'),
        ('gone before', 'now', timestamp '2025-01-20', timestamp '9999-01-01');
    create table marts.daily_activity as
        select 'account:k' as identifier_id, date '2025-03-25' as activity_date, 1 as orders, 4000 as spend_cents,
            0 as returned_cents
        union all select 'account:stranger', date '2025-06-01', 1, 1, 0;
    insert into marts.fct_order_lines values ('account:k', timestamp '2025-03-25', 1);
"""


def test_who_was_known_by_a_browser_that_proved_to_be_shared_is_the_account_it_leads_to(tmp_path: Path) -> None:
    workspace = western(tmp_path, "orders")
    with duckdb.connect(str(workspace.state.warehouse)) as warehouse:
        warehouse.execute(WAREHOUSE.format(newest=MORNING) + SHARED)
    scores = workspace.state.root / "scores.parquet"
    pd.DataFrame({"customer_id": ["k"], VALUE.score: 50.0, "churn_probability": 0.5}).to_parquet(scores)
    assert outcomes(workspace, VALUE, AS_OF, scores)["net_spend"].tolist() == [40]
    assert outcomes(workspace, churn(workspace), AS_OF, scores)["has_churned"].tolist() == [False]


def test_the_days_between_which_anybody_was_active_are_those_of_the_shop(tmp_path: Path) -> None:
    """Up to the last of them snapshots have an outcome."""
    workspace = western(tmp_path, "orders")
    lines = [f"{n},1,2025-0{n}-01T03:00:00Z,a,1,9.90" for n in (5, 6)]
    header = "order_id,line_number,ordered_at,account_id,quantity,unit_price"
    (workspace.landing_folder / "orders.csv").write_text("\n".join([header, *lines, ""]))
    now = datetime(2025, 7, 1, tzinfo=UTC)
    land(workspace.shop, workspace.state, workspace.landing_folder, now=now, settle_seconds=0,
         connect=workspace.connect)  # fmt: skip
    assert (first_activity(workspace), last_activity(workspace)) == (date(2025, 4, 30), date(2025, 5, 31))
