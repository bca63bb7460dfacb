-- The contracts that run at each as-of, by the newest version known at it.
with identifiers as (
    select * from {{ ref('snapshot_identifiers') }}
),

as_ofs as (
    select * from {{ ref('int_as_ofs') }}
),

versions as (
    select
        as_ofs.as_of_date,
        as_ofs.as_of,
        subscriptions.*,
        row_number() over (
            partition by as_ofs.as_of_date, subscriptions.subscription_id
            order by subscriptions.occurred_at desc, subscriptions.known_at desc, subscriptions.row_hash
        ) as newest
    from {{ ref('stg_subscriptions') }} as subscriptions
    inner join as_ofs
        on subscriptions.occurred_at < as_ofs.as_of
        and subscriptions.known_at < as_ofs.known_before
),

running as (
    select
        versions.as_of_date,
        identifiers.customer_id,
        {{ days_between(local_date('versions.started_at'), 'versions.as_of_date') }} as age_days,
        case when versions.renews_at >= versions.as_of then {{ days_between('versions.as_of_date', local_date('versions.renews_at')) }} end as renewal_days,
        case when versions.status = 'past_due' then 1 else 0 end as past_due,
        case when versions.notice_given_at < versions.as_of or versions.status = 'cancelled' then 1 else 0 end as notice,
        case when versions.billing_period in ('week', 'month') then 1 else 0 end as short_period,
        {{ ratio('versions.usage', 'versions.usage_limit') }} as usage_share
    from versions
    inner join identifiers
        on versions.as_of_date = identifiers.as_of_date and versions.identifier_id = identifiers.identifier_id
    where versions.newest = 1
        and versions.status <> 'ended'
        and versions.started_at < versions.as_of
        and coalesce(versions.ended_at >= versions.as_of, true)
),

final as (
    select
        as_of_date,
        customer_id,
        cast(count(*) as double) as subscriptions_running,
        cast(max(age_days) as double) as contract_age_days,
        cast(min(renewal_days) as double) as days_to_renewal,
        cast(max(past_due) as double) as is_past_due,
        cast(max(notice) as double) as has_given_notice,
        max(short_period) = 1 or min(renewal_days) is null or min(renewal_days) < {{ var('horizon_days') }} as can_end_within_horizon,
        max(usage_share) as usage_share
    from running
    group by 1, 2
)

select * from final
