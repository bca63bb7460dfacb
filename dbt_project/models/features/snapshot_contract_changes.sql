-- What changed about a customer's contracts before each as-of, running or not, as known at it: failed payments, prices,
-- plans, and what was used from one reading of the meter to the next.
{%- set run_days = days_between(local_date('started_at'), local_date('least(coalesce(ended_at, as_of), as_of)')) %}
with identifiers as (
    select * from {{ ref('snapshot_identifiers') }}
),

as_ofs as (
    select * from {{ ref('int_as_ofs') }}
),

versions as (
    {{ visible_contract_versions('as_ofs', 'as_of', 'known_before') }}
),

followed as (
    select
        *,
        lead(occurred_at) over (partition by as_of_date, subscription_id order by newness desc) as next_at,
        {%- for column in ['status', 'price_charged', 'currency', 'plan', 'usage', 'renews_at'] %}
        lag({{ column }}) over (partition by as_of_date, subscription_id order by newness desc) as {{ column }}_before{{ ',' if not loop.last }}
        {%- endfor %}
    from versions
),

-- A meter that begins again with a new period has used what it shows. Thousandths, so that sums are exact. A contract's
-- payments are those of the periods that have begun, counted at its newest version.
changes as (
    select
        as_of_date,
        identifier_id,
        {{ days_between(local_date('occurred_at'), 'as_of_date') }} as age_days,
        case when status = 'past_due' and coalesce(status_before, 'active') <> 'past_due' then 1 else 0 end as failures,
        case when status = 'past_due' then coalesce({{ days_between(local_date('next_at'), 'as_of_date') }}, 0) end as due_until_age,
        case when status = 'past_due' and newness = 1 then 1 else 0 end as still_due,
        case when newness = 1 then 1 + {{ periods_back('least(' ~ run_days ~ ', ' ~ var('lookback_days') ~ ')', period_days('billing_period')) }} end as payments,
        case when plan = plan_before and currency = currency_before and price_charged > price_charged_before then 1 else 0 end as price_rises,
        case when plan <> plan_before then 1 else 0 end as plan_changes,
        cast(round(cast(1000 as decimal(4, 0)) * (
            usage - case when usage >= usage_before and (renews_at = renews_at_before or renews_at is null) then usage_before else 0 end
        ), 0) as bigint) as used_thousandths
    from followed
),

sums as (
    select
        changes.as_of_date,
        identifiers.customer_id,
        {{ in_window('failures', 365) }} as payment_failures_365d,
        {{ in_window('price_rises', 365) }} as price_rises_365d,
        {{ in_window('plan_changes', 365) }} as plan_changes_365d,
        cast(min(case when price_rises = 1 then age_days end) as double) as days_since_price_rise,
        cast(min(case when failures = 1 then age_days end) as double) as days_since_payment_failure,
        cast(sum(case when due_until_age < 365 then least(age_days, 365) - due_until_age else 0 end) as double) as days_past_due_365d,
        max(still_due) = 1 as is_still_due,
        {{ ratio('sum(failures)', 'sum(payments)') }} as payment_failure_share,
        {{ in_window('coalesce(used_thousandths, 0)', 30) }} / 1000e0 as usage_30d,
        {{ in_window('coalesce(used_thousandths, 0)', 90) }} / 1000e0 as usage_90d
    from changes
    inner join identifiers
        on changes.as_of_date = identifiers.as_of_date and changes.identifier_id = identifiers.identifier_id
    where changes.age_days <= {{ var('lookback_days') }}
    group by 1, 2
),

final as (
    select
        *,
        case when is_still_due then days_since_payment_failure else 0e0 end as days_past_due,
        {{ trend('usage_30d', 30, 'usage_90d', 90) }} as usage_trend
    from sums
)

select * from final
