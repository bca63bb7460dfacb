-- By what prices of contracts have lately grown from one payment to the next, by billing period: at renewals shops
-- raise them, and customers change their plan. Told from contracts that were paid for at the as-of and one horizon (or
-- billing period, where that is longer) before it, beside twenty whose price stands still. What was charged in a foreign
-- currency then is told at the rate of now: a rate that moves is no growth.
with as_of as (
    select * from {{ ref('int_as_ofs') }} where as_of_date = {{ scoring_date() }}
),

versions as (
    {{ visible_contract_versions('as_of', 'as_of', 'known_before') }}
),

newest as (
    select
        *,
        {{ period_days('billing_period') }} as period_days,
        greatest({{ period_days('billing_period') }}, {{ var('horizon_days') }}) as window_days
    from versions
    where newness = 1
),

earlier as (
    select
        newest.subscription_id,
        newest.as_of_date,
        newest.price,
        newest.currency,
        newest.billing_period,
        newest.period_days,
        newest.window_days,
        newest.status,
        versions.currency as currency_before,
        cast(round(
            cast(versions.price_charged as double) * cast(newest.price as double) / nullif(cast(newest.price_charged as double), 0), 4
        ) as decimal(18, 4)) as price_before,
        versions.billing_period as billing_period_before,
        versions.status as status_before,
        row_number() over (partition by newest.subscription_id order by versions.newness) as newness
    from newest
    inner join versions
        on newest.subscription_id = versions.subscription_id
        and {{ local_date('versions.occurred_at') }} < {{ add_days('newest.as_of_date', '-newest.window_days') }}
),

prices as (
    select
        billing_period,
        max(period_days) as period_days,
        max(window_days) as window_days,
        cast(sum(price) as double) as price,
        cast(sum(price_before) as double) as price_before,
        count(*) as contracts
    from earlier
    where newness = 1
        and status in ('active', 'cancelled', 'past_due') and status_before in ('active', 'cancelled', 'past_due')
        and billing_period = billing_period_before and currency = currency_before and price > 0 and price_before > 0
    group by 1
),

final as (
    select
        billing_period,
        power(
            (price + 20 * price_before / contracts) / (price_before + 20 * price_before / contracts),
            cast(period_days as double) / window_days
        ) as growth
    from prices
)

select * from final
