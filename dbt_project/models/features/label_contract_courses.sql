-- How the contracts of each customer of an as-of went on: whether the last of them ended, and for how many periods of 30
-- days that was watched, the one of the end included. Whoever still has one when the watching ends is censored.
with due as (
    select * from {{ ref('label_due_periods') }}
),

snapshots as (
    select * from {{ ref('customer_snapshots') }}
),

successors as (
    {{ customers_now() }}
),

running as (
    select distinct
        successors.as_of_date,
        successors.customer_id,
        periods.period_end_date
    from successors
    inner join {{ ref('label_contract_periods') }} as periods on successors.customer_id_now = periods.customer_id
),

watched as (
    select
        snapshots.as_of_date,
        snapshots.customer_id,
        due.period,
        running.customer_id is not null as is_running
    from snapshots
    inner join due on snapshots.as_of_date = due.as_of_date
    left join running
        on snapshots.as_of_date = running.as_of_date and snapshots.customer_id = running.customer_id
        and due.period_end_date = running.period_end_date
    where snapshots.is_eligible
),

courses as (
    select
        as_of_date,
        customer_id,
        min(case when not is_running then period end) as ended_in_period,
        max(period) as watched_periods
    from watched
    group by 1, 2
),

final as (
    select
        as_of_date,
        customer_id,
        cast(coalesce(ended_in_period, watched_periods) as integer) as periods_watched,
        ended_in_period is not null as has_ended
    from courses
)

select * from final
