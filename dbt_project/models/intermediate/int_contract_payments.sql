-- Every contract known at the scored as-of: what was paid for it, what it still binds to, what falls due within the
-- horizon. A payment falls due whenever a billing period begins, at the price of then; trials and pauses cost nothing.
with identifiers as (
    select * from {{ ref('int_identifiers_now') }}
),

as_of as (
    select * from {{ ref('int_as_ofs') }} where as_of_date = {{ scoring_date() }}
),

versions as (
    {{ visible_contract_versions('as_of', 'as_of', 'known_before') }}
),

spans as (
    select
        *,
        lag(occurred_at) over (partition by subscription_id order by newness desc) is null as is_first,
        case
            when status = 'ended' then coalesce(ended_at, occurred_at)
            else coalesce(lead(occurred_at) over (partition by subscription_id order by newness desc), as_of)
        end as next_at,
        coalesce(lead(status) over (partition by subscription_id order by newness desc), 'unknown') as next_status
    from versions
),

-- A payment that failed and was never made up for is none.
paid as (
    select
        subscription_id,
        sum(
            cast(round(price * 100, 0) as bigint)
            * greatest(
                {{ periods_begun('started_at', 'next_at', 'billing_period') }}
                    - case when is_first then 0 else {{ periods_begun('started_at', 'occurred_at', 'billing_period') }} end,
                0
            )
        ) as paid_cents
    from spans
    where status in ('active', 'cancelled', 'ended') or (status = 'past_due' and next_status not in ('unknown', 'ended'))
    group by 1
),

newest as (
    select
        versions.*,
        identifiers.customer_id,
        {{ is_running('versions', 'versions.as_of') }} as is_running,
        {{ days_between(local_date('versions.started_at'), 'versions.as_of_date') }} as age_days,
        case when versions.renews_at >= versions.as_of then {{ days_between('versions.as_of_date', local_date('versions.renews_at')) }} end as renewal_days,
        {{ period_days('versions.billing_period') }} as period_days,
        case when versions.notice_given_at < versions.as_of or versions.status = 'cancelled' then 1 else 0 end as notice
    from versions
    inner join identifiers on versions.identifier_id = identifiers.identifier_id
    where versions.newness = 1
),

-- Where the contract runs longer than a billing period, payments fall due at whole periods before it renews.
due as (
    select
        *,
        coalesce(
            renewal_days - period_days * {{ periods_back('renewal_days', 'period_days') }},
            period_days - (age_days - period_days * {{ periods_back('age_days', 'period_days') }})
        ) as due_days
    from newest
),

final as (
    select
        due.subscription_id,
        due.customer_id,
        due.billing_period,
        {{ local_date('due.started_at') }} as started_date,
        case when due.is_running then null else coalesce({{ local_date('due.ended_at') }}, {{ local_date('due.occurred_at') }}) end as ended_date,
        due.is_running,
        due.notice = 1 as is_under_notice,
        due.status = 'past_due' as is_past_due,
        cast(coalesce(paid.paid_cents, 0) as bigint) as paid_cents,
        cast(round(due.price * 100, 0) as bigint) as price_cents,
        case
            when due.is_running and due.status <> 'paused' and due.renewal_days > due.due_days
                then {{ periods_back('(due.renewal_days - due.due_days)', 'due.period_days') }}
            else 0
        end as payments_bound,
        case
            when due.is_running and due.status <> 'paused' and due.due_days < {{ var('horizon_days') }}
                then 1 + {{ periods_back('(' ~ var('horizon_days') ~ ' - 1 - due.due_days)', 'due.period_days') }}
            else 0
        end as payments_in_horizon
    from due
    left join paid on due.subscription_id = paid.subscription_id
)

select * from final
