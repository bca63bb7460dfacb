-- Decisions by customers on what we may do.
with consents as (
    select * from {{ ref('stg_consents') }}
),

final as (
    select
        identifier_id,
        purpose,
        channel,
        decision,
        occurred_at,
        greatest(known_at, occurred_at) as known_at,
        row_hash
    from consents
)

select * from final
