with source as (
    select * from {{ source('raw', 'preferences') }}
),

identified as (
    select
        {{ row_identifier('preferences') }} as identifier_id,
        attribute,
        value,
        weight,
        occurred_at,
        known_at,
        row_hash
    from source
)

select * from identified
