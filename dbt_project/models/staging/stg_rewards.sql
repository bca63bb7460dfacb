with source as (
    select * from {{ source('raw', 'rewards') }}
),

identified as (
    select
        {{ row_identifier('rewards') }} as identifier_id,
        reward_id,
        programme,
        change_type,
        points,
        expires_at,
        occurred_at,
        known_at,
        row_hash
    from source
)

select * from identified
