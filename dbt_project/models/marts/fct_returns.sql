-- Order lines that came back, dated when they did: return documents of their own, and sale lines that a
-- later version marks as returned.
with lines as (
    select * from {{ ref('stg_orders') }}
),

returned as (
    select
        order_id,
        line_number,
        identifier_id,
        product_id,
        channel,
        case when line_type = 'return' then quantity else returned_quantity end as quantity,
        case when line_type = 'return' then amount_cents else returned_cents end as amount_cents,
        case when line_type = 'return' then occurred_at else returned_at end as occurred_at,
        known_at,
        row_hash
    from lines
    where line_type = 'return' or returned_at is not null
),

first_versions as (
    select
        *,
        row_number() over (partition by order_id, line_number order by known_at, row_hash) as version_number
    from returned
),

final as (
    select
        order_id,
        line_number,
        identifier_id,
        product_id,
        channel,
        cast(quantity as decimal(18, 3)) as quantity,
        amount_cents,
        occurred_at,
        greatest(known_at, occurred_at) as known_at,
        {{ visible_from_date('occurred_at', 'greatest(known_at, occurred_at)') }} as visible_from_date
    from first_versions
    where version_number = 1
)

select * from final
