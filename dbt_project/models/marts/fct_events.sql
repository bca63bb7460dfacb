-- Things done on web, app, device or player, each once.
with versions as (
    select
        *,
        row_number() over (partition by event_id order by known_at, row_hash) as version_number
    from {{ ref('stg_events') }}
),

final as (
    select
        event_id,
        identifier_id,
        event_type,
        session_id,
        product_id,
        amount,
        duration_seconds,
        position,
        recommendation_id,
        channel,
        occurred_at,
        greatest(known_at, occurred_at) as known_at,
        {{ visible_from_date('occurred_at', 'greatest(known_at, occurred_at)') }} as visible_from_date
    from versions
    where version_number = 1
)

select * from final
