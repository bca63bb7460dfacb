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
        cast(source.ordered_at as date) as ordered_date,
        max_by(rates.rate, rates.rate_date) as rate
    from source
    inner join rates
        on source.currency = rates.currency and rates.rate_date <= cast(source.ordered_at as date)
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
        {{ cents('coalesce(source.returned_quantity, source.quantity)', 'source.unit_price', 'rate_of_day.rate') }} as returned_cents,
        source.returned_at,
        source.occurred_at,
        source.known_at,
        source.row_hash
    from source
    left join rate_of_day
        on source.currency = rate_of_day.currency and cast(source.ordered_at as date) = rate_of_day.ordered_date
)

select * from identified
