-- Versions of contracts. The price is told in the shop's currency at the rate of the day of the version, and as it is
-- charged: a rate that moves is no rise.
with source as (
    select *, {{ local_date('occurred_at') }} as occurred_date from {{ source('raw', 'subscriptions') }}
),

rates as (
    select * from {{ source('shop', 'exchange_rates') }}
),

-- The rate of the day, or the last one before it.
rate_of_day as (
    select
        source.currency,
        source.occurred_date,
        max_by(rates.rate, rates.date) as rate
    from source
    inner join rates
        on source.currency = rates.currency and rates.date <= source.occurred_date
    where source.currency <> '{{ var("currency") }}'
    group by 1, 2
),

identified as (
    select
        {{ row_identifier('subscriptions') }} as identifier_id,
        source.subscription_id,
        source.plan,
        {{ converted('source.price', 'rate_of_day.rate') }} as price,
        source.price as price_charged,
        source.currency,
        source.billing_period,
        source.started_at,
        source.renews_at,
        source.notice_given_at,
        source.ended_at,
        source.end_reason,
        source.usage,
        source.usage_limit,
        source.status,
        source.occurred_at,
        source.known_at,
        source.row_hash
    from source
    left join rate_of_day
        on source.currency = rate_of_day.currency and source.occurred_date = rate_of_day.occurred_date
)

select * from identified
