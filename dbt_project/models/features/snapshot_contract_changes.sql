-- What changed about a customer's contracts before each as-of, running or not, as known at it: failed payments, prices,
-- plans, and what was used from one reading of the meter to the next.
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
        {%- for column in ['status', 'price', 'plan', 'usage', 'renews_at'] %}
        lag({{ column }}) over (partition by as_of_date, subscription_id order by newness desc) as {{ column }}_before{{ ',' if not loop.last }}
        {%- endfor %}
    from versions
),

-- A meter that begins again with a new period has used what it shows. Thousandths, so that sums are exact.
changes as (
    select
        as_of_date,
        identifier_id,
        {{ days_between(local_date('occurred_at'), 'as_of_date') }} as age_days,
        case when status = 'past_due' and coalesce(status_before, 'active') <> 'past_due' then 1 else 0 end as failures,
        case when plan = plan_before and price > price_before then 1 else 0 end as price_rises,
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
        {{ trend('usage_30d', 30, 'usage_90d', 90) }} as usage_trend
    from sums
)

select * from final
