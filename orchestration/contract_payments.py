"""What contracts then paid, and what they had paid before: told from their versions that have landed.

Belongs here: one select, in the terms of ``orchestration.outcomes``. Does not belong here: what was expected
(``dbt_project/models/actions/contract_values.sql``), metrics.

A payment counts in the window in which it fell due, at the price of then, if it was ever made. How many fell due is
told from how far the next due day moved, so that months of 30 days and of the calendar are counted alike.
"""

from __future__ import annotations

from orchestration.outcomes import Happened, newest_day

TOLERANCE = 0.1
"""Part of a billing period by which a due day may be off: months have 28 to 31 days."""


def _due_after(version: str, instant: str) -> str:
    """The first due day of a contract, by one of its versions, at an instant or after it."""
    period = f"to_days({version}.period_days)"
    ahead = f"epoch({version}.renews_at - {instant}) / 86400 / {version}.period_days"
    behind = f"epoch({instant} - {version}.started_at) / 86400 / {version}.period_days"
    return f"""case when {version}.renews_at >= {instant}
            then {version}.renews_at - {period} * floor({ahead})::integer
            else {version}.started_at + {period} * greatest(ceil({behind}), 0)::integer end"""


def _periods(start: str, end: str) -> str:
    """Due days from the one at ``start`` on, before ``end``."""
    return f"greatest(ceil(epoch({end} - {start}) / 86400 / last.period_days - {TOLERANCE}), 0)::integer"


PAYMENTS = f"""
    with windows as (
        select 'ahead' as part, starts_at, ends_at from bounds
        union all
        select 'behind', starts_at - (ends_at - starts_at), starts_at from bounds
    ),
    versions as (
        select
            windows.*, owned.customer_id, subscription_id, occurred_at, price, status, started_at, renews_at, ended_at,
            case billing_period when 'week' then 7 when 'month' then 30 when 'quarter' then 91 else 365 end
                as period_days,
            row_number() over contract as number,
            coalesce(lag(status) over contract, '') as status_before
        from staging.stg_subscriptions inner join owned using (identifier_id)
        inner join windows on occurred_at < windows.ends_at
        window contract as (partition by part, subscription_id order by occurred_at, known_at, row_hash desc)
    ),
    contracts as (
        select
            part, subscription_id, starts_at, ends_at,
            coalesce(
                arg_max(versions, number) filter (occurred_at < starts_at), arg_min(versions, number)
            ) as first,
            arg_max(versions, number) as last,
            max(occurred_at) filter (status = 'past_due' and status_before <> 'past_due') as owing_since
        from versions group by all
    ),
    dues as (
        select
            *,
            {_due_after("first", "greatest(starts_at, first.started_at)")} as due_at,
            case
                when last.status in ('ended', 'paused') then coalesce(last.ended_at, last.occurred_at)
                else least({_due_after("last", "ends_at")}, coalesce(last.ended_at, timestamp '9999-01-01'))
            end as until_at
        from contracts where first.status not in ('ended', 'paused') and first.started_at < ends_at
    ),
    counted as (
        select
            *,
            {_periods("due_at", "until_at")} as due,
            case when 'past_due' in (last.status, if(last.status = 'ended', last.status_before, null))
                then {_periods("greatest(due_at, owing_since)", "until_at")} else 0
            end as missing
        from dues
    ),
    paid as (
        select
            part, subscription_id, last.customer_id, first.price as first_price,
            unnest(range(due - missing)) * to_days(last.period_days) + due_at + interval 1 day as paid_at
        from counted
    ),
    prices as (
        select part, subscription_id, occurred_at, price from versions
        qualify row_number() over (partition by part, subscription_id, occurred_at order by number desc) = 1
    )
    select
        paid.customer_id,
        sum(coalesce(price, first_price)) filter (paid.part = 'ahead')::double as paid,
        sum(coalesce(price, first_price)) filter (paid.part = 'behind')::double as paid_before
    from paid asof left join prices
        on paid.part = prices.part and paid.subscription_id = prices.subscription_id
        and paid.paid_at >= prices.occurred_at
    group by 1"""
"""``paid`` within the horizon and ``paid_before`` within as many days before it, by ``customer_id``."""

CONTRACT_VALUE = Happened(
    score="expected_cents",
    newest=newest_day("staging.stg_subscriptions"),
    is_needed=True,
    did=PAYMENTS,
    told="coalesce(did.paid, 0) as paid, coalesce(did.paid_before, 0) as paid_before",
)
