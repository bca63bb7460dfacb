-- Changes of loyalty balances, each once, signed.
with versions as (
    select
        *,
        row_number() over (partition by reward_id order by known_at, row_hash) as version_number
    from {{ ref('stg_rewards') }}
),

final as (
    select
        reward_id,
        identifier_id,
        programme,
        change_type,
        case change_type when 'earned' then points when 'adjusted' then points else -points end as points_change,
        expires_at,
        occurred_at,
        greatest(known_at, occurred_at) as known_at,
        {{ visible_from_date('occurred_at', 'greatest(known_at, occurred_at)') }} as visible_from_date
    from versions
    where version_number = 1
)

select * from final
