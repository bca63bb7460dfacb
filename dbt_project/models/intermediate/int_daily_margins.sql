-- What was earned on what was bought, once per identifier, day and the as-of from which it is visible. Only lines of
-- items whose unit cost is known speak; the cost is the newest known at the scored as-of.
with lines as (
    select * from {{ ref('fct_order_lines') }} where identifier_id is not null
),

products as (
    select product_id, unit_cost from {{ ref('dim_products') }} where unit_cost is not null
),

costed as (
    select
        lines.identifier_id,
        {{ local_date('lines.occurred_at') }} as activity_date,
        lines.visible_from_date,
        lines.amount_change_cents,
        case when products.product_id is not null then lines.amount_change_cents end as known_spend_cents,
        {{ cents('lines.quantity_change', 'products.unit_cost', 'null') }} as cost_cents
    from lines
    left join products on lines.product_id = products.product_id
),

final as (
    select
        identifier_id,
        activity_date,
        visible_from_date,
        cast(sum(amount_change_cents) as bigint) as spend_cents,
        cast(coalesce(sum(known_spend_cents), 0) as bigint) as known_spend_cents,
        cast(coalesce(sum(known_spend_cents - cost_cents), 0) as bigint) as margin_cents
    from costed
    group by 1, 2, 3
)

select * from final
