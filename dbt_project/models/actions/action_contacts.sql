-- Every message that a person was sent, as known at the scored as-of; a call counts as an agent's task.
with identifiers as (
    select * from {{ ref('int_identifiers_now') }}
),

messages as (
    select * from {{ ref('fct_message_events') }}
    where message_event = 'sent' and visible_from_date <= {{ scoring_date() }}
),

final as (
    select
        messages.message_id,
        identifiers.customer_id,
        messages.action_id,
        messages.play,
        case when messages.channel = 'phone' then 'agent_task' else messages.channel end as channel,
        messages.occurred_at as sent_at
    from messages
    inner join identifiers on messages.identifier_id = identifiers.identifier_id
)

select * from final
