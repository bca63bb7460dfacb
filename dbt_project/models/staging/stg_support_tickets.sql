with source as (
    select * from {{ source('raw', 'support_tickets') }}
),

identified as (
    select
        {{ row_identifier('support_tickets') }} as identifier_id,
        ticket_id,
        category,
        opened_at,
        resolved_at,
        rated_at,
        contacts,
        csat,
        occurred_at,
        known_at,
        row_hash
    from source
)

select * from identified
