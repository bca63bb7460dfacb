-- Everything that a person did up to the scored as-of, in one row.
with identifiers as (
    select * from {{ ref('int_identifiers_now') }}
),

-- Days first: a correction may take back all that a day had.
days as (
    select
        identifiers.customer_id,
        activity.activity_date,
        sum(activity.orders) as orders,
        sum(activity.spend_cents) as spend_cents,
        sum(activity.returns) as returns,
        sum(activity.returned_cents) as returned_cents,
        sum(activity.events) as events,
        sum(activity.tickets_opened) as tickets_opened
    from {{ ref('daily_activity') }} as activity
    inner join identifiers on activity.identifier_id = identifiers.identifier_id
    where activity.visible_from_date <= {{ scoring_date() }}
    group by 1, 2
),

gaps as (
    select
        customer_id,
        activity_date,
        {{ days_between('lag(activity_date) over (partition by customer_id order by activity_date)', 'activity_date') }} as gap_days
    from days
    where orders > 0
),

rhythm as (
    select
        customer_id,
        max_by(gap_days, activity_date) as last_gap_days,
        cast(median(gap_days) as double) as median_gap_days
    from gaps
    group by 1
),

totals as (
    select
        customer_id,
        min(case when orders > 0 then activity_date end) as first_order_date,
        max(case when orders > 0 then activity_date end) as last_order_date,
        max(case when events > 0 then activity_date end) as last_visit_date,
        cast(sum(orders) as bigint) as orders_count,
        cast(sum(returns) as bigint) as returned_lines_count,
        cast(sum(spend_cents) - sum(returned_cents) as bigint) as net_spend_cents,
        cast(sum(case when activity_date >= {{ add_days(scoring_date(), -365) }} then orders else 0 end) as bigint) as orders_365d,
        cast(sum(case when activity_date >= {{ add_days(scoring_date(), -365) }} then spend_cents - returned_cents else 0 end) as bigint) as net_spend_cents_365d,
        cast(sum(case when activity_date >= {{ add_days(scoring_date(), -90) }} then tickets_opened else 0 end) as bigint) as tickets_90_days_count
    from days
    group by 1
)

select
    totals.*,
    rhythm.last_gap_days,
    rhythm.median_gap_days
from totals
left join rhythm on totals.customer_id = rhythm.customer_id
