-- Things done on web, app, device or player, each once.
with versions as (
    select
        *,
        row_number() over (partition by event_id order by known_at, row_hash) as version_number
    from {{ ref('stg_events') }}
),

-- A visit counts once, also where it lasts beyond midnight or somebody logs in within it. Ids of visits may be told
-- apart only within a browser.
events as (
    select
        *,
        session_id is not null and row_number() over (
            partition by session_id, coalesce(cookie_id, identifier_id) order by known_at, occurred_at, event_id
        ) = 1 as is_session_start
    from versions
    where version_number = 1
),

final as (
    select
        event_id,
        identifier_id,
        event_type,
        session_id,
        is_session_start,
        product_id,
        amount,
        duration_seconds,
        position,
        recommendation_id,
        channel,
        occurred_at,
        greatest(known_at, occurred_at) as known_at,
        {{ visible_from_date('occurred_at', 'greatest(known_at, occurred_at)') }} as visible_from_date
    from events
)

select * from final
