-- What changed about a customer's contracts before each as-of, running or not, as known at it: failed payments, prices,
-- plans, and what was used from one reading of the meter to the next.
with identifiers as (
    select * from {{ ref('snapshot_identifiers') }}
),

as_ofs as (
    select * from {{ ref('int_as_ofs') }}
),

dated as (
    {{ dated_contract_versions() }}
),

versions as (
    {{ visible_contract_versions('as_ofs', 'as_of', 'known_before', 'dated') }}
),

billed as (
    {{ billed_versions('versions') }}
),

followed as (
    select
        billed.*,
        identifiers.customer_id,
        lead(billed.occurred_at) over (partition by billed.as_of_date, billed.subscription_id order by billed.newness desc) as next_at,
        {%- for column in ['status', 'price_charged', 'currency', 'plan', 'usage', 'renews_at'] %}
        lag(billed.{{ column }}) over (partition by billed.as_of_date, billed.subscription_id order by billed.newness desc) as {{ column }}_before{{ ',' if not loop.last }}
        {%- endfor %}
    from billed
    inner join identifiers
        on billed.as_of_date = identifiers.as_of_date and billed.identifier_id = identifiers.identifier_id
),

-- A meter that begins again with a new period has used what it shows. Thousandths, so that sums are exact.
changes as (
    select
        as_of_date,
        customer_id,
        subscription_id,
        {{ days_between(local_date('occurred_at'), 'as_of_date') }} as age_days,
        case when status = 'past_due' and coalesce(status_before, 'active') <> 'past_due' then 1 else 0 end as failures,
        case when status = 'past_due' then coalesce({{ days_between(local_date('next_at'), 'as_of_date') }}, 0) end as due_until_age,
        case when status = 'past_due' and newness = 1 then 1 else 0 end as still_due,
        case when plan = plan_before and currency = currency_before and price_charged > price_charged_before then 1 else 0 end as price_rises,
        case when plan <> plan_before then 1 else 0 end as plan_changes,
        cast(round(cast(1000 as decimal(4, 0)) * (
            usage - case when usage >= usage_before and (renews_at = renews_at_before or renews_at is null) then usage_before else 0 end
        ), 0) as bigint) as used_thousandths
    from followed
),

newest as (
    select
        *,
        {{ local_date("least(case when status = 'ended' then coalesce(ended_at, occurred_at) else as_of end, ended_at, as_of)") }} as until_date,
        {{ add_days('as_of_date', '-' ~ var('lookback_days')) }} as look_back_date
    from followed
    where newness = 1
),

-- What fell due, cut at the look-back as the failures are.
payments as (
    select
        as_of_date,
        customer_id,
        sum(greatest({{ payments_before('newest', 'until_date') }} - {{ payments_before('newest', 'look_back_date') }}, 0)) as payments
    from newest
    group by 1, 2
),

-- When the payment failed that a contract waits for last, and up to where earlier waiting of the customer reaches.
waits as (
    select
        *,
        min(case when failures = 1 then age_days end) over (partition by as_of_date, subscription_id) as failed_age,
        coalesce(min(due_until_age) over (
            partition by as_of_date, customer_id order by age_days desc, due_until_age desc
            rows between unbounded preceding and 1 preceding
        ), 365) as covered_until_age
    from changes
    where due_until_age is not null
),

dues as (
    select
        as_of_date,
        customer_id,
        max(case when still_due = 1 then failed_age end) as days_past_due,
        sum(greatest(least(age_days, covered_until_age, 365) - due_until_age, 0)) as days_past_due_365d
    from waits
    group by 1, 2
),

sums as (
    select
        as_of_date,
        customer_id,
        {{ in_window('failures', 365) }} as payment_failures_365d,
        {{ in_window('price_rises', 365) }} as price_rises_365d,
        {{ in_window('plan_changes', 365) }} as plan_changes_365d,
        cast(min(case when price_rises = 1 then age_days end) as double) as days_since_price_rise,
        cast(min(case when failures = 1 then age_days end) as double) as days_since_payment_failure,
        cast(sum(failures) as bigint) as failures,
        {{ in_window('coalesce(used_thousandths, 0)', 30) }} / 1000e0 as usage_30d,
        {{ in_window('coalesce(used_thousandths, 0)', 90) }} / 1000e0 as usage_90d
    from changes
    where age_days <= {{ var('lookback_days') }}
    group by 1, 2
),

final as (
    select
        sums.*,
        {{ ratio('sums.failures', 'payments.payments') }} as payment_failure_share,
        cast(coalesce(dues.days_past_due, 0) as double) as days_past_due,
        cast(coalesce(dues.days_past_due_365d, 0) as double) as days_past_due_365d,
        {{ trend('sums.usage_30d', 30, 'sums.usage_90d', 90) }} as usage_trend
    from sums
    left join payments on sums.as_of_date = payments.as_of_date and sums.customer_id = payments.customer_id
    left join dues on sums.as_of_date = dues.as_of_date and sums.customer_id = dues.customer_id
)

select * from final
