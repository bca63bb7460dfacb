-- What each person's contracts are expected to bring within the horizon: what they are bound to at the price agreed,
-- and beyond that as often as they are likely to stay, at prices that grow as they lately have. A contract of somebody of
-- whom no churn is predicted, as none of theirs can end, goes on; one under notice does not.
with contracts as (
    select * from {{ ref('int_contract_payments') }} where is_running
),

scores as (
    select * from {{ source('ml', 'churn_scores') }} where as_of_date = {{ scoring_date() }}
),

growths as (
    select * from {{ ref('int_contract_price_growth') }}
),

payments as (
    select
        contracts.customer_id,
        contracts.price_cents,
        contracts.payments_bound,
        least(contracts.payments_bound, contracts.payments_in_horizon) as certain,
        case
            when contracts.is_under_notice then 0
            else greatest(contracts.payments_in_horizon - contracts.payments_bound, 0)
        end as open,
        coalesce(scores.churn_probability, 0e0) as p,
        coalesce(growths.growth, 1e0) as growth
    from contracts
    left join scores on contracts.customer_id = scores.customer_id
    left join growths on contracts.billing_period = growths.billing_period
),

-- At each of n payments the same share stays, its n-th power 1 - p in the end, and pays the price grown once more.
ratios as (
    select *, case when open > 0 and p < 1 then growth * power(1 - p, 1e0 / open) else 0e0 end as ratio from payments
),

-- The sum of ratio^j for j from 1 to n.
expected as (
    select
        *,
        case
            when abs(1 - ratio) <= 1e-9 then cast(open as double)
            else ratio * (1 - power(ratio, open)) / (1 - ratio)
        end as open_expected
    from ratios
),

final as (
    select
        customer_id,
        cast(sum(cast(round(price_cents * (certain + open_expected), 0) as bigint)) as bigint) as expected_cents,
        cast(sum(price_cents * payments_bound) as bigint) as bound_cents,
        cast(sum(price_cents * (certain + open)) as bigint) as undisturbed_cents
    from expected
    group by 1
)

select * from final
