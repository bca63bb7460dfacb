-- How many of those in the histories ordered on each day before the as-of, other than for the first time.
with days as (
    select * from {{ ref('snapshot_order_days') }}
),

orders as (
    select * from {{ ref('snapshot_orders') }}
),

profiled as (
    select * from {{ ref('int_profiled_customers') }} where is_profiled
),

final as (
    select
        days.as_of_date,
        days.age_days,
        cast({{ count_if('days.age_days < orders.days_since_first_order') }} as bigint) as customers
    from days
    inner join orders on days.as_of_date = orders.as_of_date and days.customer_id = orders.customer_id
    inner join profiled on days.as_of_date = profiled.as_of_date and days.customer_id = profiled.customer_id
    group by 1, 2
)

select * from final
