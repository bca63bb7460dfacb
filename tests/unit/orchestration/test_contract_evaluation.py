"""The value of contracts held against what was paid: who counts, and against what."""

from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from worlds import corner_shop

from orchestration import inputs
from orchestration.contract_evaluation import evaluate_contracts, lines
from orchestration.snapshots import snapshot_folder
from orchestration.state import StateError
from orchestration.workspace import Workspace

AS_OF = date(2025, 7, 1)
SUBSCRIPTIONS = {"subscriptions": {"files": "subscriptions*.csv", "known_at": "exported_at"}}
WAREHOUSE = """
    create schema staging; create schema identity;
    create table identity.customer_ledger as
        select 'account:' || n as identifier_id, 'c' || n as customer_id from range(5) as t(n);
    create table identity.person_spans as
        select *, timestamp '2020-01-01' as known_from, timestamp '9999-01-01' as known_to
        from identity.customer_ledger;
    create table identity.redirects (
        customer_id varchar, surviving_customer_id varchar, known_from timestamp, known_to timestamp
    );
    create table staging.stg_subscriptions as
        select
            'account:' || n as identifier_id, 's' || n as subscription_id, 10.0 as price, 'month' as billing_period,
            timestamp '2025-01-15 10:00' as started_at, 'active' as status, 'x' as row_hash,
            timestamp '2025-02-15 10:00' + to_months(month::integer) as renews_at, cast(null as timestamp) as ended_at,
            timestamp '2025-01-15 10:00' + to_months(month::integer) as occurred_at, occurred_at as known_at
        from range(5) as t(n), range(if(n = 2, 6, 9)) as m(month);
    insert into staging.stg_subscriptions by name
        select * replace ('ended' as status, timestamp '2025-07-15 10:00' as ended_at, null as renews_at,
            timestamp '2025-07-15 10:00' as occurred_at)
        from staging.stg_subscriptions where identifier_id = 'account:2' limit 1;
"""


@pytest.fixture
def studio(tmp_path: Path) -> Workspace:
    """Five customers at 10 a month: the third leaves before the first payment, the fifth may not be profiled."""
    churn = {"mode": "subscription", "horizon_days": 60}
    workspace = corner_shop(tmp_path, "", touchpoints=SUBSCRIPTIONS, churn=churn).workspace
    workspace.state.prepare()
    pinned = inputs.pin(workspace.state, workspace.shop, AS_OF, training_dates=(), champions={})
    customers = [f"c{n}" for n in range(5)]
    values = {"expected_cents": [1500, 1500, 500, 2000, 9900], "undisturbed_cents": [2000] * 5, "bound_cents": 0}
    scores = {"status": ["scored", "notice_given", "scored", "not_eligible", "not_profiled"]}
    for folder, name, columns in (
        (snapshot_folder(workspace, pinned), "contract_values", values),
        (workspace.state.scores / pinned.inputs_id, "churn_scores", scores),
    ):
        folder.mkdir(parents=True)
        pd.DataFrame({"customer_id": customers, **columns}).to_parquet(folder / f"{name}.parquet")
    with duckdb.connect(str(workspace.state.warehouse)) as warehouse:
        warehouse.execute(WAREHOUSE)
    return workspace


def test_expected_payments_stand_beside_what_was_paid_and_two_guesses(studio: Workspace) -> None:
    found = evaluate_contracts(studio, AS_OF)
    assert found is not None
    assert (found.expected.customers, found.expected.mean_outcome) == (4, 60 / 4)
    assert found.expected.total_bias == pytest.approx(55 / 60 - 1)
    assert found.undisturbed.total_bias == pytest.approx(80 / 60 - 1)
    assert found.last_payments.total_bias == pytest.approx(80 / 60 - 1)
    assert found.expected.gini > 0.5 > found.undisturbed.gini == 0
    assert (
        lines(found, "EUR")[0]
        == "4 customers with running contracts paid 60.00 EUR for them, 55.00 expected (total -8.3%)"
    )


def test_before_the_horizon_is_over_and_without_a_value_it_says_what_is_missing(studio: Workspace) -> None:
    with duckdb.connect(str(studio.state.warehouse)) as warehouse:
        warehouse.execute("delete from staging.stg_subscriptions where occurred_at >= '2025-08-20'")
    with pytest.raises(StateError, match="ends on 2025-08-30; data have landed up to 2025-08-15"):
        evaluate_contracts(studio, AS_OF)
    next(studio.state.features.glob("*/contract_values.parquet")).unlink()
    with pytest.raises(StateError, match="have no value"):
        evaluate_contracts(studio, AS_OF)


def test_a_shop_whose_value_is_not_told_from_contracts_has_none(tmp_path: Path) -> None:
    assert evaluate_contracts(corner_shop(tmp_path, "").workspace, AS_OF) is None
