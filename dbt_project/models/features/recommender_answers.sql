-- What became of recommendations that a person saw, as known at the scored as-of: one row per recommendation with an
-- impression. What nobody saw is no answer, so it is not here. Bought counts within the horizon from the first sight on,
-- on its day only what was ordered after it. Answers to sensitive items count only with consent to special_category.
with identifiers as (
    select * from {{ ref('recommender_identifiers') }} where is_profiled and as_of_date = {{ scoring_date() }}
),

sensitive as (
    select product_id from {{ ref('dim_products') }} where is_sensitive
),

answered as (
    select
        identifiers.as_of_date,
        identifiers.customer_id,
        identifiers.may_see_sensitive,
        events.recommendation_id,
        events.product_id,
        events.event_type,
        events.position,
        events.occurred_at
    from {{ ref('fct_events') }} as events
    inner join identifiers
        on events.identifier_id = identifiers.identifier_id and events.visible_from_date <= identifiers.as_of_date
    where events.recommendation_id is not null
),

shown as (
    select
        answered.as_of_date,
        answered.customer_id,
        answered.recommendation_id,
        answered.product_id,
        min(answered.occurred_at) as shown_at,
        {{ local_date('min(answered.occurred_at)') }} as shown_date,
        min(answered.position) as position
    from answered
    left join sensitive on answered.product_id = sensitive.product_id
    where answered.event_type = 'impression' and answered.product_id is not null
        and (sensitive.product_id is null or answered.may_see_sensitive)
    group by 1, 2, 3, 4
),

clicked as (
    select customer_id, recommendation_id, count(*) as clicks
    from answered
    where event_type <> 'impression'
    group by 1, 2
),

bought as (
    select identifiers.customer_id, lines.product_id, lines.occurred_at, lines.line_change
    from {{ ref('fct_order_lines') }} as lines
    inner join identifiers
        on lines.identifier_id = identifiers.identifier_id and lines.visible_from_date <= identifiers.as_of_date
),

followed as (
    select shown.customer_id, shown.recommendation_id, sum(bought.line_change) as order_lines
    from shown
    inner join bought
        on shown.customer_id = bought.customer_id
        and shown.product_id = bought.product_id
        and bought.occurred_at >= shown.shown_at
        and {{ local_date('bought.occurred_at') }} < {{ add_days('shown.shown_date', var('recommender_horizon_days')) }}
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
