-- Pairs of identifiers seen together, and since when that may be used: once known, and not before it happened. What joins
-- people together.
{%- set usable = "greatest(known_at, occurred_at + interval '" ~ var('knowledge_lag_hours') ~ "' hour)" %}
with carried as (
    {%- for touchpoint in ['customers', 'orders', 'events', 'rewards', 'support_tickets', 'feedback', 'preferences', 'messages', 'consents', 'erasure_requests'] %}
    {%- for type in touchpoint_identifiers(touchpoint)[1:] %}
    select
        {{ row_identifier(touchpoint) }} as left_id,
        {{ identifier(type) }} as right_id,
        {{ usable }} as known_at
    from {{ source('raw', touchpoint) }}
    union all
    {%- endfor %}
    {%- endfor %}
    select
        left_type || ':' || left_token as left_id,
        right_type || ':' || right_token as right_id,
        {{ usable }} as known_at
    from {{ source('raw', 'identities') }}
    where left_type <> 'household' and right_type <> 'household'
),

edges as (
    select
        least(left_id, right_id) as left_id,
        greatest(left_id, right_id) as right_id,
        min(known_at) as known_at
    from carried
    where left_id is not null and right_id is not null and left_id <> right_id
    group by 1, 2
)

select * from edges
