-- What an agent needs on one screen.
with customers as (
    select * from {{ ref('dim_customers') }}
),

scores as (
    select customer_id, churn_band, lifecycle_stage, may_profile, as_of from {{ ref('customer_scores') }}
),

likings as (
    select customer_id, value as favourite_category
    from {{ ref('int_customer_affinities') }}
    where attribute = 'category' and preference_rank = 1
),

points as (
    select * from {{ ref('int_customer_points') }}
),

contracts as (
    select * from {{ ref('snapshot_contracts') }} where as_of_date = {{ scoring_date() }}
),

final as (
    select
        customers.customer_id,
        customers.external_id,
        customers.country,
        customers.language,
        customers.loyalty_tier,
        customers.customer_since_date,
        customers.orders_count,
        customers.returned_lines_count,
        cast(customers.net_spend_cents / cast(100 as decimal(18, 2)) as decimal(18, 2)) as net_spend,
        case
            when customers.orders_count > 0
                then cast(round(cast(customers.net_spend_cents as double) / customers.orders_count) / 100 as decimal(18, 2))
        end as average_order_value,
        '{{ var("currency") }}' as currency,
        customers.last_order_date,
        case when scores.may_profile then customers.last_visit_date end as last_visit_date,
        customers.tickets_open_count,
        customers.tickets_90_days_count,
        customers.last_nps_score,
        customers.last_csat_score,
        case when scores.may_profile then likings.favourite_category end as favourite_category,
        case when scores.may_profile then scores.lifecycle_stage end as lifecycle_stage,
        case when scores.may_profile then scores.churn_band end as churn_band,
        points.points_balance,
        cast(coalesce(contracts.subscriptions_running, 0) as bigint) as contracts_running_count,
        {{ add_days(scoring_date(), 'contracts.days_to_renewal') }} as next_renewal_date,
        coalesce(contracts.is_under_notice, false) as is_under_notice,
        coalesce(contracts.is_past_due = 1, false) as is_past_due,
        scores.as_of
    from customers
    inner join scores on customers.customer_id = scores.customer_id
    left join likings on customers.customer_id = likings.customer_id
    left join points on customers.customer_id = points.customer_id
    left join contracts on customers.customer_id = contracts.customer_id
)

select * from final
