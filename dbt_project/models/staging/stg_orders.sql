-- Order lines in the shop's currency, in cents so that sums are exact in any order.
with source as (
    select * from {{ source('raw', 'orders') }}
),

rates as (
    select * from {{ source('shop', 'exchange_rates') }}
),

-- The rate of the day, or the last one before it.
rate_of_day as (
    select
        source.currency,
        {{ local_date('source.ordered_at') }} as ordered_date,
        max_by(rates.rate, rates.date) as rate
    from source
    inner join rates
        on source.currency = rates.currency and rates.date <= {{ local_date('source.ordered_at') }}
    where source.currency <> '{{ var("currency") }}'
    group by 1, 2
),

identified as (
    select
        {{ row_identifier('orders') }} as identifier_id,
        source.order_id,
        source.line_number,
        source.line_type,
        source.product_id,
        source.channel,
        source.status,
        source.quantity,
        {{ cents('source.quantity', 'source.unit_price', 'rate_of_day.rate') }}
            - {{ cents('1', 'source.discount', 'rate_of_day.rate') }} as amount_cents,
        {{ cents('1', 'source.discount', 'rate_of_day.rate') }} as discount_cents,
        coalesce(source.returned_quantity, source.quantity) as returned_quantity,
        source.returned_at,
        source.occurred_at,
        source.known_at,
        source.row_hash
    from source
    left join rate_of_day
        on source.currency = rate_of_day.currency and {{ local_date('source.ordered_at') }} = rate_of_day.ordered_date
),

-- What comes back is worth what was paid for it, discount and all.
final as (
    select
        identifier_id,
        order_id,
        line_number,
        line_type,
        product_id,
        channel,
        status,
        quantity,
        amount_cents,
        discount_cents,
        returned_quantity,
        cast(
            round(coalesce(cast(amount_cents as double) * cast(returned_quantity as double) / nullif(cast(quantity as double), 0e0), 0e0), 0)
            as bigint
        ) as returned_cents,
        returned_at,
        occurred_at,
        known_at,
        row_hash
    from identified
)

select * from final
