-- What became of recommendations that a person saw, as known at the scored as-of: one row per recommendation with an
-- impression. What nobody saw is no answer, so it is not here. Bought counts within the horizon from the first sight on.
with identifiers as (
    select * from {{ ref('recommender_identifiers') }} where is_profiled and as_of_date = {{ scoring_date() }}
),

answered as (
    select
        identifiers.as_of_date,
        identifiers.customer_id,
        events.recommendation_id,
        events.product_id,
        events.event_type,
        events.position,
        {{ local_date('events.occurred_at') }} as event_date
    from {{ ref('fct_events') }} as events
    inner join identifiers
        on events.identifier_id = identifiers.identifier_id and events.visible_from_date <= identifiers.as_of_date
    where events.recommendation_id is not null
),

shown as (
    select
        as_of_date,
        customer_id,
        recommendation_id,
        product_id,
        min(event_date) as shown_date,
        min(position) as position
    from answered
    where event_type = 'impression' and product_id is not null
    group by 1, 2, 3, 4
),

clicked as (
    select customer_id, recommendation_id, count(*) as clicks
    from answered
    where event_type <> 'impression'
    group by 1, 2
),

bought as (
    select identifiers.customer_id, activity.product_id, activity.activity_date, activity.order_lines
    from {{ ref('daily_product_activity') }} as activity
    inner join identifiers
        on activity.identifier_id = identifiers.identifier_id
        and activity.visible_from_date <= identifiers.as_of_date
),

followed as (
    select shown.customer_id, shown.recommendation_id, sum(bought.order_lines) as order_lines
    from shown
    inner join bought
        on shown.customer_id = bought.customer_id
        and shown.product_id = bought.product_id
        and bought.activity_date >= shown.shown_date
        and bought.activity_date < {{ add_days('shown.shown_date', var('recommender_horizon_days')) }}
    group by 1, 2
),

final as (
    select
        shown.as_of_date,
        shown.recommendation_id,
        shown.customer_id,
        shown.product_id,
        shown.shown_date,
        shown.position,
        cast(coalesce(clicked.clicks, 0) as bigint) as clicks,
        cast(greatest(coalesce(followed.order_lines, 0), 0) as bigint) as order_lines
    from shown
    left join clicked
        on shown.customer_id = clicked.customer_id and shown.recommendation_id = clicked.recommendation_id
    left join followed
        on shown.customer_id = followed.customer_id and shown.recommendation_id = followed.recommendation_id
)

select * from final
