with source as (
    select * from {{ source('raw', 'messages') }}
),

identified as (
    select
        {{ row_identifier('messages') }} as identifier_id,
        message_id,
        action_id,
        campaign,
        play,
        channel,
        arm,
        sent_at,
        delivered_at,
        opened_at,
        clicked_at,
        converted_at,
        bounced_at,
        complained_at,
        unsubscribed_at,
        occurred_at,
        known_at,
        row_hash
    from source
)

select * from identified
