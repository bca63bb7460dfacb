with source as (
    select * from {{ source('raw', 'consents') }}
),

identified as (
    select
        {{ row_identifier('consents') }} as identifier_id,
        purpose,
        channel,
        decision,
        occurred_at,
        known_at,
        row_hash
    from source
)

select * from identified
