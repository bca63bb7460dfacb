-- Whose contract still runs when the horizon after each as-of has passed, by identity as known now.
with as_ofs as (
    select
        as_of_date,
        {{ day_start(add_days('as_of_date', var('horizon_days'))) }} as horizon_end,
        {{ day_start(add_days('as_of_date', var('horizon_days') + var('label_delay_days'))) }}
            + interval '{{ var("knowledge_lag_hours") }}' hour as known_before
    from {{ ref('int_as_ofs') }}
),

identifiers_now as (
    select * from {{ ref('int_identifiers_now') }}
),

versions as (
    select
        as_ofs.as_of_date,
        as_ofs.horizon_end,
        subscriptions.identifier_id,
        subscriptions.started_at,
        subscriptions.ended_at,
        subscriptions.status,
        row_number() over (
            partition by as_ofs.as_of_date, subscriptions.subscription_id
            order by subscriptions.occurred_at desc, subscriptions.known_at desc, subscriptions.row_hash
        ) as newest
    from {{ ref('stg_subscriptions') }} as subscriptions
    inner join as_ofs
        on subscriptions.occurred_at < as_ofs.horizon_end
        and subscriptions.known_at < as_ofs.known_before
),

final as (
    select distinct
        versions.as_of_date,
        identifiers_now.customer_id
    from versions
    inner join identifiers_now on versions.identifier_id = identifiers_now.identifier_id
    where versions.newest = 1
        and versions.status <> 'ended'
        and versions.started_at < versions.horizon_end
        and coalesce(versions.ended_at >= versions.horizon_end, true)
)

select * from final
