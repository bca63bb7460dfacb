with source as (
    select * from {{ source('raw', 'feedback') }}
),

identified as (
    select
        {{ row_identifier('feedback') }} as identifier_id,
        feedback_id,
        kind,
        score,
        product_id,
        action_id,
        occurred_at,
        known_at,
        row_hash
    from source
)

select * from identified
