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

-- Summed before the catalogue is asked: were all three joined in one step, a planner whose guess is off could begin with
-- every person times every item of a date.
days as (
    select
        identifiers.as_of_date,
        identifiers.customer_id,
        identifiers.may_see_sensitive,
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
    group by 1, 2, 3, 4, 5
),

-- A cancelled purchase leaves nothing behind.
final as (
    select
        days.as_of_date,
        days.customer_id,
        days.product_id,
        days.age_days,
        days.order_lines,
        days.views,
        days.carts,
        days.removals
    from days
    inner join catalogue on days.as_of_date = catalogue.as_of_date and days.product_id = catalogue.product_id
    where (not catalogue.is_sensitive or days.may_see_sensitive)
        and (days.order_lines > 0 or days.views > 0 or days.carts > 0 or days.removals > 0)
)

select * from final
