with source as (
    select * from {{ source('raw', 'erasure_requests') }}
),

identified as (
    select
        {{ row_identifier('erasure_requests') }} as identifier_id,
        request_id,
        occurred_at,
        known_at
    from source
)

select * from identified
