-- How many messages a person was sent within the horizon after each as-of, and how many of them carried out an action of ours.
with as_ofs as (
    select
        as_of_date,
        {{ day_start('as_of_date') }} as starts_at,
        {{ day_start(add_days('as_of_date', var('horizon_days'))) }} as ends_at
    from {{ ref('int_as_ofs') }}
),

identifiers_now as (
    select * from {{ ref('int_identifiers_now') }}
),

messages as (
    select * from {{ ref('fct_message_events') }} where message_event = 'sent'
),

final as (
    select
        as_ofs.as_of_date,
        identifiers_now.customer_id,
        count(*) as messages_sent,
        count(messages.action_id) as actions_sent
    from messages
    inner join identifiers_now on messages.identifier_id = identifiers_now.identifier_id
    inner join as_ofs
        on messages.occurred_at >= as_ofs.starts_at
        and messages.occurred_at < as_ofs.ends_at
        and messages.visible_from_date <= {{ scoring_date() }}
    group by 1, 2
)

select * from final
