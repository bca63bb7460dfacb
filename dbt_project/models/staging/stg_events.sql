with source as (
    select * from {{ source('raw', 'events') }}
),

identified as (
    select
        {{ row_identifier('events') }} as identifier_id,
        event_id,
        event_type,
        session_id,
        cookie_id,
        product_id,
        amount,
        duration_seconds,
        position,
        recommendation_id,
        channel,
        occurred_at,
        known_at,
        row_hash
    from source
)

select * from identified
