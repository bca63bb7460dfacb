-- What became of each message, one row per instant.
with messages as (
    select * from {{ ref('stg_messages') }}
),

instants as (
    {{ facts_by_instant(
        'messages', 'message_id', 'message_event',
        {'sent_at': 'sent', 'delivered_at': 'delivered', 'opened_at': 'opened', 'clicked_at': 'clicked', 'converted_at': 'converted',
         'bounced_at': 'bounced', 'complained_at': 'complained', 'unsubscribed_at': 'unsubscribed'},
        ['action_id', 'campaign', 'play', 'channel', 'arm']
    ) }}
),

final as (
    select
        message_id,
        message_event,
        identifier_id,
        action_id,
        campaign,
        play,
        channel,
        arm,
        occurred_at,
        known_at,
        {{ visible_from_date('occurred_at', 'known_at') }} as visible_from_date
    from instants
    where version_number = 1
)

select * from final
