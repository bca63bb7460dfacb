"""Value and dates of next orders held against what was ordered."""

from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from worlds import corner_shop

from ml.timing import timing
from orchestration import inputs
from orchestration.snapshots import snapshot_folder
from orchestration.state import StateError
from orchestration.value_evaluation import evaluate_value, lines
from orchestration.workspace import Workspace

AS_OF = date(2025, 3, 1)
WAREHOUSE = """
    create schema marts; create schema identity;
    create table identity.customer_ledger as
        select 'account:' || n as identifier_id, 'c' || n as customer_id from range(4) as t(n);
    create table identity.person_spans as
        select *, timestamp '2020-01-01' as known_from, timestamp '9999-01-01' as known_to
        from identity.customer_ledger;
    create table identity.redirects (
        customer_id varchar, surviving_customer_id varchar, known_from timestamp, known_to timestamp
    );
    create table marts.daily_activity as
        select
            'account:' || customer as identifier_id, date '2025-03-01' + day as activity_date, orders,
            orders * 1000 as spend_cents, returned as returned_cents
        from (values (0, 4, 0, 300), (0, 10, 1, 0), (0, 40, 1, 0), (1, 30, 2, 0), (3, -1, 1, 0), (3, 95, 1, 0))
            as t(customer, day, orders, returned);
"""


@pytest.fixture
def shop(tmp_path: Path) -> Workspace:
    """The first orders after 10 days, a return before it; the second after 30; the others not within the horizon."""
    workspace = corner_shop(tmp_path, "", churn={"horizon_days": 90}).workspace
    workspace.state.prepare()
    pinned = inputs.pin(workspace.state, workspace.shop, AS_OF, training_dates=(), champions={})
    customers = [f"c{n}" for n in range(4)]
    days = [12, 20, 80, None]
    scores = {
        "customer_id": customers, "predicted_clv": [20.0, 15, 5, 1], "expected_orders": [2.0, 1.5, 0.5, 0.1],
        "predicted_clv_low": 0.0, "predicted_clv_high": 30.0,
        "expected_date_of_next_order": [AS_OF + timedelta(day) if day else None for day in days],
    }  # fmt: skip
    features = {
        "customer_id": customers, "as_of_date": AS_OF, "days_since_last_order": [5.0, 3, 60, 1],
        "orders_365d": 2.0, "spend_365d": 20.0, "days_since_first_order": 200.0,
    }  # fmt: skip
    for folder, name, columns in (
        (workspace.state.scores / pinned.inputs_id, "value_scores", scores),
        (snapshot_folder(workspace, pinned), "customer_features", features),
    ):
        folder.mkdir(parents=True)
        pd.DataFrame(columns).to_parquet(folder / f"{name}.parquet")
    with duckdb.connect(str(workspace.state.warehouse)) as warehouse:
        warehouse.execute(WAREHOUSE)
    return workspace


def test_dates_of_the_next_order_are_held_against_the_first_order_after_the_as_of(shop: Workspace) -> None:
    found = evaluate_value(shop, AS_OF)
    assert found is not None
    assert found.timing is not None
    assert (found.timing.due, found.timing.had_ordered) == (3, pytest.approx(1 / 3))
    assert found.timing.concordance == 1.0
    assert found.timing.recency_concordance == pytest.approx(2 / 3)
    assert lines(found, "EUR")[-1] == (
        "next order: of 3 due within the horizon 33.3% had ordered by their day (meant to be half); 100.0% of pairs "
        "ordered as expected (recency alone 66.7%)"
    )


def test_before_the_horizon_is_over_nothing_is_judged(shop: Workspace) -> None:
    with duckdb.connect(str(shop.state.warehouse)) as warehouse:
        warehouse.execute("delete from marts.daily_activity where activity_date > '2025-05-01'")
    with pytest.raises(StateError, match="data have landed up to 2025-04-10"):
        evaluate_value(shop, AS_OF)


def test_where_nobody_is_due_no_share_is_told() -> None:
    found = timing(np.array([5.0, np.inf]), np.array([100.0, 200.0]), np.array([1.0, 2.0]), 90)
    assert found.due == 0
    assert np.isnan(found.had_ordered)
