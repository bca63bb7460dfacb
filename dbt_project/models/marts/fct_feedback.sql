-- Answers and reviews, each once.
with versions as (
    select
        *,
        row_number() over (partition by feedback_id order by known_at, row_hash) as version_number
    from {{ ref('stg_feedback') }}
),

final as (
    select
        feedback_id,
        identifier_id,
        kind,
        score,
        product_id,
        action_id,
        occurred_at,
        greatest(known_at, occurred_at) as known_at,
        {{ visible_from_date('occurred_at', 'greatest(known_at, occurred_at)') }} as visible_from_date
    from versions
    where version_number = 1
)

select * from final
