-- What customers said they want; the newest word on an attribute's value stands.
with preferences as (
    select * from {{ ref('stg_preferences') }}
),

final as (
    select
        identifier_id,
        attribute,
        value,
        weight,
        occurred_at,
        greatest(known_at, occurred_at) as known_at,
        row_hash
    from preferences
)

select * from final
