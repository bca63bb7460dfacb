-- What profiled people then bought and looked at within the horizon after each earlier as-of of the recommender, as far
-- as the scored one knows. The person is followed by what we know of identities now.
with as_ofs as (
    select * from {{ ref('recommender_as_ofs') }} where as_of_date < {{ scoring_date() }}
),

identifiers_now as (
    select * from {{ ref('int_identifiers_now') }}
),

successors as (
    select
        as_of_date,
        customer_id_now,
        min(customer_id) as customer_id,
        max(case when may_see_sensitive then 1 else 0 end) = 1 as may_see_sensitive
    from {{ ref('recommender_identifiers') }}
    where is_profiled and customer_id_now is not null and as_of_date < {{ scoring_date() }}
    group by 1, 2
),

catalogue as (
    select * from {{ ref('recommender_catalogue') }}
),

stacked as (
    select identifier_id, product_id, activity_date, visible_from_date, order_lines, 0 as views
    from {{ ref('daily_product_activity') }}
    union all
    select identifier_id, product_id, activity_date, visible_from_date, 0 as order_lines, views + carts as views
    from {{ ref('daily_product_views') }}
),

happened as (
    select
        as_ofs.as_of_date,
        identifiers_now.customer_id,
        stacked.product_id,
        cast(sum(stacked.order_lines) as bigint) as order_lines,
        cast(sum(stacked.views) as bigint) as views
    from stacked
    inner join identifiers_now on stacked.identifier_id = identifiers_now.identifier_id
    inner join as_ofs
        on stacked.activity_date >= as_ofs.as_of_date
        and stacked.activity_date < {{ add_days('as_ofs.as_of_date', var('recommender_horizon_days')) }}
    where stacked.visible_from_date <= {{ scoring_date() }}
    group by 1, 2, 3
),

-- Summed before the catalogue is asked, as in recommender_interactions.
theirs as (
    select
        happened.as_of_date,
        successors.customer_id,
        successors.may_see_sensitive,
        happened.product_id,
        cast(sum(happened.order_lines) as bigint) as order_lines,
        cast(sum(happened.views) as bigint) as views
    from happened
    inner join successors
        on happened.as_of_date = successors.as_of_date and happened.customer_id = successors.customer_id_now
    where happened.order_lines > 0 or happened.views > 0
    group by 1, 2, 3, 4
),

final as (
    select
        theirs.as_of_date,
        theirs.customer_id,
        theirs.product_id,
        theirs.order_lines,
        theirs.views
    from theirs
    inner join catalogue on theirs.as_of_date = catalogue.as_of_date and theirs.product_id = catalogue.product_id
    where not catalogue.is_sensitive or theirs.may_see_sensitive
)

select * from final
