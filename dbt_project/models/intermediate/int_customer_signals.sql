-- The last day on which each person sent us a signal that a play heeds, up to the scored as-of.
{%- set channels = ['email', 'push', 'sms'] %}
with identifiers as (
    select * from {{ ref('int_identifiers_now') }}
),

-- What a shared address refuses or cannot take is so for each who shares it; what else came from it is nobody's.
listeners as (
    select identifier_id, customer_id, false as is_shared from identifiers
    union all
    select identifier_id, customer_id, true as is_shared from {{ ref('int_shared_identifiers') }}
),

signals as (
    select identifier_id, message_event as signal, channel, {{ local_date('occurred_at') }} as signal_date
    from {{ ref('fct_message_events') }}
    where message_event in ('complained', 'bounced', 'unsubscribed') and visible_from_date <= {{ scoring_date() }}
    union all
    select identifier_id, 'rated_badly' as signal, null as channel, {{ local_date('occurred_at') }} as signal_date
    from {{ ref('fct_ticket_events') }}
    where ticket_event = 'rated' and csat <= 2 and visible_from_date <= {{ scoring_date() }}
    union all
    select identifier_id, 'filled_basket' as signal, null as channel, activity_date as signal_date
    from {{ ref('daily_activity') }}
    where carts > 0 and visible_from_date <= {{ scoring_date() }}
),

final as (
    select
        listeners.customer_id,
        max(case when signals.signal = 'complained' then signals.signal_date end) as last_complaint_date,
        {%- for channel in channels %}
        max(case when signals.signal = 'bounced' and signals.channel = '{{ channel }}' then signals.signal_date end) as last_{{ channel }}_bounce_date,
        max(case when signals.signal = 'unsubscribed' and signals.channel = '{{ channel }}' then signals.signal_date end) as last_{{ channel }}_unsubscribe_date,
        {%- endfor %}
        max(case when signals.signal = 'rated_badly' then signals.signal_date end) as last_bad_rating_date,
        max(case when signals.signal = 'filled_basket' then signals.signal_date end) as last_basket_date
    from signals
    inner join listeners on signals.identifier_id = listeners.identifier_id
    where not listeners.is_shared or signals.signal in ('complained', 'bounced', 'unsubscribed')
    group by 1
)

select * from final
