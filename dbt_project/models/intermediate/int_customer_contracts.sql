-- The contracts of each person that run at the scored as-of, in one row.
with contracts as (
    select * from {{ ref('snapshot_contracts') }} where as_of_date = {{ scoring_date() }}
),

changes as (
    select * from {{ ref('snapshot_contract_changes') }} where as_of_date = {{ scoring_date() }}
),

final as (
    select
        contracts.customer_id,
        cast(contracts.subscriptions_running as bigint) as contracts_running_count,
        cast(contracts.days_to_renewal as integer) as days_to_renewal,
        contracts.price_per_30_days,
        contracts.is_past_due = 1 as is_past_due,
        contracts.is_under_notice,
        cast(changes.days_since_payment_failure as integer) as days_since_payment_failure,
        cast(contracts.contract_age_days as integer) as contract_age_days,
        contracts.usage_share,
        changes.usage_30d
    from contracts
    left join changes on contracts.customer_id = changes.customer_id
)

select * from final
