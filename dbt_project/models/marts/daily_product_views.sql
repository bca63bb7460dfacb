-- What was looked at and put into the basket, once per identifier, item, day and the as-of from which it is visible.
-- What we showed (impressions) is no act of the customer; what was bought stands in daily_product_activity.
with events as (
    select * from {{ ref('fct_events') }}
),

buckets as (
    select
        identifier_id,
        product_id,
        {{ local_date('occurred_at') }} as activity_date,
        visible_from_date,
        cast({{ count_if("event_type not in ('add_to_cart', 'remove_from_cart')") }} as bigint) as views,
        cast({{ count_if("event_type = 'add_to_cart'") }} as bigint) as carts,
        cast({{ count_if("event_type = 'remove_from_cart'") }} as bigint) as removals
    from events
    where identifier_id is not null
        and product_id is not null
        and event_type not in ('impression', 'checkout', 'purchase')
    group by 1, 2, 3, 4
)

select * from buckets
