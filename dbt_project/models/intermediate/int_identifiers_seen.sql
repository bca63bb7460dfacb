-- Every identifier that a row speaks for, and since when that may be used: once known, and not before it happened.
with seen as (
    {%- for touchpoint in ['customers', 'orders', 'events', 'subscriptions', 'rewards', 'support_tickets', 'feedback', 'preferences', 'messages', 'consents', 'erasure_requests'] %}
    select identifier_id, greatest(known_at, occurred_at + interval '{{ var('knowledge_lag_hours') }}' hour) as known_at
    from {{ ref('stg_' ~ touchpoint) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

identifiers as (
    select
        identifier_id,
        min(known_at) as known_at
    from seen
    where identifier_id is not null
    group by 1
)

select * from identifiers
