with source as (
    select * from {{ source('raw', 'subscriptions') }}
),

identified as (
    select
        {{ row_identifier('subscriptions') }} as identifier_id,
        subscription_id,
        plan,
        price,
        billing_period,
        started_at,
        renews_at,
        notice_given_at,
        ended_at,
        end_reason,
        usage,
        usage_limit,
        status,
        occurred_at,
        known_at,
        row_hash
    from source
)

select * from identified
