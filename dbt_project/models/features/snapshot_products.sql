-- How many different items a customer bought in the year before each as-of, and which share of purchases repeated one.
with identifiers as (
    select * from {{ ref('snapshot_identifiers') }}
),

activity as (
    select * from {{ ref('daily_product_activity') }}
),

-- A cancelled purchase is a row of its own that takes its day back.
products as (
    select
        identifiers.as_of_date,
        identifiers.customer_id,
        activity.product_id,
        sum(activity.day_change) as days
    from activity
    inner join identifiers
        on activity.identifier_id = identifiers.identifier_id
        and activity.visible_from_date <= identifiers.as_of_date
        and activity.activity_date >= {{ add_days('identifiers.as_of_date', -365) }}
    where activity.day_change <> 0
    group by 1, 2, 3
    having sum(activity.day_change) > 0
),

final as (
    select
        as_of_date,
        customer_id,
        cast(count(*) as double) as products_365d,
        cast(sum(days) - count(*) as double) / cast(sum(days) as double) as repeat_product_share_365d
    from products
    group by 1, 2
)

select * from final
