-- What each version of an order line changed of what came back, dated when it came back first: return documents of their
-- own, and sale lines that a later version marks as returned. As with order lines a correction or cancellation brings
-- only the difference, known from when that version was. Of versions that came in one delivery without a clock of their
-- own, a return is later than a sale that tells of none, and a cancellation the last.
with lines as (
    select
        *,
        case when status = 'cancelled' then 2 when line_type = 'return' or returned_at is not null then 1 else 0 end as finality,
        case
            when status = 'cancelled' then 0
            when line_type = 'return' then quantity
            when returned_at is not null then returned_quantity
            else 0
        end as quantity_back,
        case
            when status = 'cancelled' then 0
            when line_type = 'return' then amount_cents
            when returned_at is not null then returned_cents
            else 0
        end as back_cents,
        case when line_type = 'return' then occurred_at else returned_at end as back_at
    from {{ ref('stg_orders') }}
),

versions as (
    select
        *,
        first_value(identifier_id) over back as first_identifier_id,
        first_value(product_id) over back as first_product_id,
        first_value(channel) over back as first_channel,
        first_value(back_at) over back as first_back_at,
        row_number() over (partition by order_id, line_number order by known_at, finality, row_hash) as version_number,
        case when quantity_back > 0 then 1 else 0 end as is_back
    from lines
    window back as (
        partition by order_id, line_number
        order by case when quantity_back > 0 then 0 else 1 end, known_at, finality, row_hash
    )
),

changes as (
    select
        order_id,
        line_number,
        version_number,
        first_identifier_id as identifier_id,
        first_product_id as product_id,
        first_channel as channel,
        cast(quantity_back - coalesce(lag(quantity_back) over line, 0) as decimal(18, 3)) as quantity_change,
        back_cents - coalesce(lag(back_cents) over line, 0) as amount_change_cents,
        is_back - coalesce(lag(is_back) over line, 0) as line_change,
        first_back_at as occurred_at,
        greatest(known_at, first_back_at) as known_at
    from versions
    window line as (partition by order_id, line_number order by version_number)
),

final as (
    select
        order_id,
        line_number,
        cast(version_number as integer) as version_number,
        identifier_id,
        product_id,
        channel,
        quantity_change,
        amount_change_cents,
        cast(line_change as integer) as line_change,
        occurred_at,
        known_at,
        {{ visible_from_date('occurred_at', 'known_at') }} as visible_from_date
    from changes
    where quantity_change <> 0 or amount_change_cents <> 0
)

select * from final
