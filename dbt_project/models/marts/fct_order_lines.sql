-- What each version of an order line changed. The first version brings its full quantity and amount, a
-- correction or cancellation only the difference, known from when that version was, all of an order on the day of its first line: sums over what was
-- known at an instant give the state at that instant, and nothing is ever rewritten. Of versions that came in one
-- delivery without a clock of their own, the one that ends the order is the last.
with lines as (
    select
        *,
        case when status = 'cancelled' then 0 else quantity end as effective_quantity,
        case status when 'cancelled' then 2 when 'returned' then 1 else 0 end as finality
    from {{ ref('stg_orders') }}
    where line_type = 'sale'
),

versions as (
    select
        *,
        first_value(identifier_id) over line as first_identifier_id,
        first_value(product_id) over line as first_product_id,
        first_value(channel) over line as first_channel,
        first_value(occurred_at) over whole_order as first_occurred_at,
        row_number() over line as version_number,
        case when effective_quantity > 0 then amount_cents else 0 end as effective_amount_cents,
        case when effective_quantity > 0 then discount_cents else 0 end as effective_discount_cents,
        case when effective_quantity > 0 then 1 else 0 end as is_standing
    from lines
    window
        line as (partition by order_id, line_number order by known_at, finality, row_hash),
        whole_order as (partition by order_id order by known_at, occurred_at, line_number, row_hash)
),

changes as (
    select
        order_id,
        line_number,
        version_number,
        first_identifier_id as identifier_id,
        first_product_id as product_id,
        first_channel as channel,
        cast(effective_quantity - coalesce(lag(effective_quantity) over line, 0) as decimal(18, 3)) as quantity_change,
        effective_amount_cents - coalesce(lag(effective_amount_cents) over line, 0) as amount_change_cents,
        effective_discount_cents - coalesce(lag(effective_discount_cents) over line, 0) as discount_change_cents,
        is_standing - coalesce(lag(is_standing) over line, 0) as line_change,
        first_occurred_at as occurred_at,
        greatest(known_at, first_occurred_at) as known_at
    from versions
    window line as (partition by order_id, line_number order by version_number)
),

-- An order counts once while any of its lines stands.
orders as (
    select
        *,
        sum(line_change) over known_so_far as lines_standing
    from changes
    window known_so_far as (
        partition by order_id order by known_at, line_number, version_number
        rows between unbounded preceding and current row
    )
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
        discount_change_cents,
        cast(line_change as integer) as line_change,
        cast(
            case
                when lines_standing > 0 and lines_standing - line_change <= 0 then 1
                when lines_standing <= 0 and lines_standing - line_change > 0 then -1
                else 0
            end as integer
        ) as order_change,
        occurred_at,
        known_at,
        {{ visible_from_date('occurred_at', 'known_at') }} as visible_from_date
    from orders
    where quantity_change <> 0 or amount_change_cents <> 0 or line_change <> 0
)

select * from final
