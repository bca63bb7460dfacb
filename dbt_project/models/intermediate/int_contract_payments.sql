-- Every contract known at the scored as-of: what was paid for it, what it still binds to, what falls due within the
-- horizon, all of them on the same payment dates. A payment has the price of then; trials and pauses cost nothing.
with identifiers as (
    select * from {{ ref('int_identifiers_now') }}
),

as_of as (
    select * from {{ ref('int_as_ofs') }} where as_of_date = {{ scoring_date() }}
),

dated as (
    {{ dated_contract_versions() }}
),

versions as (
    {{ visible_contract_versions('as_of', 'as_of', 'known_before', 'dated') }}
),

billed as (
    {{ billed_versions('versions') }}
),

-- `newness` falls from version to version: the greatest of those that follow is the next one.
followed as (
    select
        *,
        lag(newness) over (partition by subscription_id order by newness desc) is null as is_first,
        lead(occurred_at) over (partition by subscription_id order by newness desc) as next_at,
        max(case when status <> 'past_due' then newness end) over later as next_not_due,
        max(case when status = 'ended' then newness end) over later as next_ended
    from billed
    window later as (partition by subscription_id order by newness desc rows between 1 following and unbounded following)
),

-- A payment that failed was made if the first version after it that is not past due has not ended.
spans as (
    select
        *,
        {{ local_date('occurred_at') }} as occurred_date,
        {{ local_date("least(case when status = 'ended' then coalesce(ended_at, occurred_at) else next_at end, ended_at, as_of)") }} as until_date,
        status in ('active', 'cancelled', 'ended')
            or (status = 'past_due' and next_not_due <> coalesce(next_ended, 0)) as is_paid
    from followed
),

paid as (
    select
        subscription_id,
        sum(
            cast(round(price * 100, 0) as bigint)
            * greatest({{ payments_before('spans', 'until_date') }} - case when is_first then 0 else {{ payments_before('spans', 'occurred_date') }} end, 0)
        ) as paid_cents
    from spans
    where is_paid
    group by 1
),

newest as (
    select
        billed.*,
        identifiers.customer_id,
        {{ is_running('billed', 'billed.as_of') }} as is_running,
        {{ is_running('billed', 'billed.as_of') }} and billed.status <> 'paused' as falls_due,
        billed.notice_given_at < billed.as_of or billed.status = 'cancelled' as is_under_notice,
        {{ payments_before('billed', 'billed.as_of_date') }} as payments_so_far,
        {{ payments_before('billed', 'billed.renewal_date') }} as payments_until_renewal,
        {{ payments_before('billed', add_days('billed.as_of_date', var('horizon_days'))) }} as payments_until_horizon
    from billed
    inner join identifiers on billed.identifier_id = identifiers.identifier_id
    where billed.newness = 1
),

final as (
    select
        newest.subscription_id,
        newest.customer_id,
        newest.billing_period,
        newest.started_date,
        -- What has not begun has not ended either.
        case when newest.started_at < newest.as_of and not newest.is_running then {{ local_date('coalesce(newest.ended_at, newest.occurred_at)') }} end as ended_date,
        newest.is_running,
        coalesce(newest.is_under_notice, false) as is_under_notice,
        newest.status = 'past_due' as is_past_due,
        cast(coalesce(paid.paid_cents, 0) as bigint) as paid_cents,
        cast(round(newest.price * 100, 0) as bigint) as price_cents,
        case when falls_due then greatest(payments_until_renewal - payments_so_far, 0) else 0 end as payments_bound,
        case when falls_due then greatest(payments_until_horizon - payments_so_far, 0) else 0 end as payments_in_horizon
    from newest
    left join paid on newest.subscription_id = paid.subscription_id
)

select * from final
