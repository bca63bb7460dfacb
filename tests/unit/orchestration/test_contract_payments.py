"""What contracts paid in a horizon of 60 days from the first of July, and in the 60 days before it."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from ml.simulator import WorldConfig, simulate
from orchestration.contract_payments import PAYMENTS

COLUMNS = """
    identifier_id varchar, subscription_id varchar, price decimal(18, 2), billing_period varchar, started_at timestamp,
    renews_at timestamp, ended_at timestamp, status varchar, occurred_at timestamp, known_at timestamp,
    row_hash varchar"""


def version(occurred: str, **changed: object) -> dict[str, object]:
    """Of a contract at 10 a month since January 2025, due on the 15th."""
    month = f"2025-{int(occurred[5:7]) + 1:02}"
    return {
        "identifier_id": "account:1", "subscription_id": "s1", "price": 10, "billing_period": "month",
        "started_at": "2025-01-15 10:00", "renews_at": f"{month}-15 10:00", "ended_at": None, "status": "active",
        "occurred_at": f"{occurred} 10:00", "known_at": f"{occurred} 10:00", "row_hash": "a", **changed,
    }  # fmt: skip


def paid(*versions: dict[str, object]) -> dict[str, tuple[float | None, float | None]]:
    """By customer, in the horizon and before it."""
    with duckdb.connect() as connection:
        connection.execute(f"create schema staging; create table staging.stg_subscriptions ({COLUMNS})")
        for one in versions:
            marks = ", ".join("?" * len(one))
            connection.execute(f"insert into staging.stg_subscriptions values ({marks})", list(one.values()))
        found = connection.execute(f"""
            with bounds as (select timestamp '2025-07-01' as starts_at, timestamp '2025-08-30' as ends_at),
            owned as (select 'account:' || n as identifier_id, 'c' || n as customer_id from range(1, 3) as t(n)),
            did as ({PAYMENTS})
            select * from did order by customer_id""").fetchall()
    return {customer: (ahead, before) for customer, ahead, before in found}


MONTHS = [version(f"2025-{month:02}-15") for month in range(1, 9)]


def test_who_stays_pays_every_month_at_the_price_of_then() -> None:
    dearer = [one | {"price": 12} if one["occurred_at"] >= "2025-08" else one for one in MONTHS]
    assert paid(*dearer) == {"c1": (10 + 12, 20)}


def test_months_of_thirty_days_are_counted_like_those_of_the_calendar() -> None:
    thirty = [
        version("2025-01-15"),
        version("2025-06-14", renews_at="2025-07-14 10:00"),
        version("2025-07-14", renews_at="2025-08-13 10:00"),
        version("2025-08-13", renews_at="2025-09-12 10:00"),
    ]
    assert paid(*thirty) == {"c1": (20, 20)}


def test_nobody_pays_on_the_day_on_which_the_contract_ends_or_after() -> None:
    end = version("2025-08-15", status="ended", ended_at="2025-08-15 10:00", renews_at=None)
    assert paid(*MONTHS[:7], end) == {"c1": (10, 20)}


def test_a_payment_that_failed_counts_only_if_it_was_made_up_for() -> None:
    failed = version("2025-07-15", status="past_due")
    late = version("2025-07-20", renews_at="2025-08-15 10:00")
    gone = version("2025-08-05", status="ended", ended_at="2025-08-05 10:00", renews_at=None)
    assert paid(*MONTHS[:6], failed, late, MONTHS[7]) == {"c1": (20, 20)}
    assert paid(*MONTHS[:6], failed, gone) == {"c1": (None, 20)}
    assert paid(*MONTHS[:7], version("2025-08-15", status="past_due")) == {"c1": (10, 20)}


def test_a_payment_that_was_missing_before_the_horizon_takes_none_within_it() -> None:
    failed = version("2025-06-15", status="past_due", renews_at="2025-07-15 10:00")
    gone = version("2025-07-06", status="ended", ended_at="2025-07-06 10:00", renews_at=None)
    assert paid(*MONTHS[:5], failed, gone) == {"c1": (None, 10)}


def test_a_contract_that_begins_within_the_horizon_counts_and_a_year_falls_due_once() -> None:
    new = version(
        "2025-07-20", identifier_id="account:2", subscription_id="s2", started_at="2025-07-20 10:00",
        renews_at="2026-07-20 10:00", billing_period="year", price=100,
    )  # fmt: skip
    assert paid(*MONTHS, new) == {"c1": (20, 20), "c2": (100, None)}


def test_a_year_that_is_paid_by_the_month_falls_due_every_month() -> None:
    assert paid(version("2025-01-15", renews_at="2026-01-15 10:00")) == {"c1": (20, 20)}


def test_a_pause_costs_nothing() -> None:
    assert paid(*MONTHS[:7], version("2025-08-01", status="paused")) == {"c1": (10, 20)}


@pytest.mark.parametrize("occurred", ["2025-08-30", "2025-09-15"])
def test_what_comes_after_the_horizon_changes_nothing(occurred: str) -> None:
    later = version(occurred, status="ended", ended_at="2025-07-02 00:00", renews_at=None)
    assert paid(*MONTHS, later) == {"c1": (20, 20)}


INSTANTS = ("started_at", "renews_at", "ended_at", "updated_at", "exported_at")
LANDED = f"""
    select
        'account:' || account_id as identifier_id, subscription_id, 1.0 as price, billing_period, status,
        md5(file::varchar) as row_hash,
        {", ".join(f"timezone('UTC', {name}) as {name}" for name in INSTANTS)},
        timezone('UTC', updated_at) as occurred_at, timezone('UTC', exported_at) as known_at
    from read_csv($file, types = {{{", ".join(f"'{name}': 'timestamptz'" for name in INSTANTS)}}}) as file"""
TRUE = """
    select account_id, count(*) filter (day >= $day)::double, count(*) filter (day < $day)::double
    from (from read_parquet($payments) where day >= $day - 60 and day < $day + 60) as payments
    inner join read_parquet($people) as people using (person)
    left join read_parquet($dues) as dues on payments.person = dues.person and day = since
    where since is null or (until < if(day < $day, $day, $day + 60) and not (is_unpaid_end and end_day <= until))
    group by 1 order by 1"""
TRUTH = {"people": "people", "payments": "observed_payments", "dues": "observed_dues"}


def test_in_a_world_whose_truth_is_known_every_payment_is_found(tmp_path: Path) -> None:
    world = WorldConfig(
        world="subscription", seed=11, customers=300, start=date(2024, 9, 1), end=date(2025, 9, 1),
        dirty_share=0.0, duplicate_share=0.0,
    )  # fmt: skip
    simulate(world, tmp_path / "landing", tmp_path / "truth")
    day = (date(2025, 7, 1) - world.start).days
    files = {name: f"{tmp_path}/truth/{file}.parquet" for name, file in TRUTH.items()}
    with duckdb.connect() as connection:
        connection.execute("create schema staging")
        file = {"file": f"{tmp_path}/landing/subscriptions.csv"}
        connection.execute(f"create table staging.stg_subscriptions as {LANDED}", file)
        found = connection.execute(f"""
            with bounds as (select timestamp '2025-06-30 22:00' as starts_at, timestamp '2025-08-29 22:00' as ends_at),
            owned as (
                select distinct identifier_id, substr(identifier_id, 9) as customer_id from staging.stg_subscriptions
            ),
            did as ({PAYMENTS})
            select customer_id, coalesce(paid, 0), coalesce(paid_before, 0) from did order by 1""").fetchall()
        true = connection.execute(TRUE, files | {"day": day}).fetchall()
    assert len(true) > 100
    assert found == true
