-- What each profiled person bought, looked at and put into the basket, by item and day, as known at each as-of of the
-- recommender. Sensitive items count only with consent to special_category.
with identifiers as (
    select * from {{ ref('recommender_identifiers') }} where is_profiled
),

catalogue as (
    select * from {{ ref('recommender_catalogue') }}
),

stacked as (
    select identifier_id, product_id, activity_date, visible_from_date, order_lines, 0 as views, 0 as carts, 0 as removals
    from {{ ref('daily_product_activity') }}
    union all
    select identifier_id, product_id, activity_date, visible_from_date, 0 as order_lines, views, carts, removals
    from {{ ref('daily_product_views') }}
),

days as (
    select
        identifiers.as_of_date,
        identifiers.customer_id,
        stacked.product_id,
        {{ days_between('stacked.activity_date', 'identifiers.as_of_date') }} as age_days,
        cast(sum(stacked.order_lines) as bigint) as order_lines,
        cast(sum(stacked.views) as bigint) as views,
        cast(sum(stacked.carts) as bigint) as carts,
        cast(sum(stacked.removals) as bigint) as removals
    from stacked
    inner join identifiers
        on stacked.identifier_id = identifiers.identifier_id
        and stacked.visible_from_date <= identifiers.as_of_date
        and stacked.activity_date >= {{ add_days('identifiers.as_of_date', '-' ~ var('lookback_days')) }}
    inner join catalogue
        on identifiers.as_of_date = catalogue.as_of_date and stacked.product_id = catalogue.product_id
    where not catalogue.is_sensitive or identifiers.may_see_sensitive
    group by 1, 2, 3, 4
),

-- A cancelled purchase leaves nothing behind.
final as (
    select * from days where order_lines > 0 or views > 0 or carts > 0 or removals > 0
)

select * from final
