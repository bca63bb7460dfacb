-- The contracts that run at each as-of, by the newest version known at it. Whoever has several leaves only with the
-- last: they can end, or are under notice, where each of them is.
with identifiers as (
    select * from {{ ref('snapshot_identifiers') }}
),

as_ofs as (
    select * from {{ ref('int_as_ofs') }}
),

versions as (
    {{ visible_contract_versions('as_ofs', 'as_of', 'known_before') }}
),

running as (
    select
        versions.as_of_date,
        identifiers.customer_id,
        {{ days_between(local_date('versions.started_at'), 'versions.as_of_date') }} as age_days,
        case when versions.renews_at >= versions.as_of then {{ days_between('versions.as_of_date', local_date('versions.renews_at')) }} end as renewal_days,
        case when versions.status = 'past_due' then 1 else 0 end as past_due,
        case when versions.notice_given_at < versions.as_of or versions.status = 'cancelled' then 1 else 0 end as notice,
        {{ period_days('versions.billing_period') }} as period_days,
        cast(versions.price as double) as price,
        {{ ratio('versions.usage', 'versions.usage_limit') }} as usage_share
    from versions
    inner join identifiers
        on versions.as_of_date = identifiers.as_of_date and versions.identifier_id = identifiers.identifier_id
    where versions.newness = 1 and {{ is_running('versions', 'versions.as_of') }}
),

-- A contract can end when its period does, or at any time where that is not known or a payment is missing.
judged as (
    select
        *,
        case when renewal_days >= {{ var('horizon_days') }} and past_due = 0 then 0 else 1 end as can_end,
        case
            when renewal_days is null then {{ var('horizon_days') }}
            when renewal_days >= {{ var('horizon_days') }} then 0
            else renewal_days + coalesce(period_days * {{ periods_back('(' ~ var('horizon_days') ~ ' - 1 - renewal_days)', 'period_days') }}, 0)
        end as last_renewal_days
    from running
),

final as (
    select
        as_of_date,
        customer_id,
        cast(count(*) as double) as subscriptions_running,
        cast(max(age_days) as double) as contract_age_days,
        cast(min(renewal_days) as double) as days_to_renewal,
        cast(max(last_renewal_days) as double) as days_to_last_renewal,
        cast(min(period_days) as double) as contract_period_days,
        cast(max(past_due) as double) as is_past_due,
        cast(max(notice) as double) as has_given_notice,
        min(can_end) = 1 as can_end_within_horizon,
        min(notice) = 1 as is_under_notice,
        max(usage_share) as usage_share,
        cast(sum(cast(round(price * 3000e0 / period_days, 0) as bigint)) as double) / 100 as price_per_30_days
    from judged
    group by 1, 2
)

select * from final
