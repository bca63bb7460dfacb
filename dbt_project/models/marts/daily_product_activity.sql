-- What was bought, once per identifier, item, day and the as-of from which it is visible.
with lines as (
    select * from {{ ref('fct_order_lines') }}
),

buckets as (
    select
        identifier_id,
        product_id,
        {{ local_date('occurred_at') }} as activity_date,
        visible_from_date,
        cast(sum(line_change) as bigint) as order_lines,
        cast(sum(amount_change_cents) as bigint) as spend_cents
    from lines
    where identifier_id is not null and product_id is not null
    group by 1, 2, 3, 4
)

select * from buckets
