-- The contracts that each person has and had, in one row, at the scored as-of. One that has not begun is neither.
with contracts as (
    select * from {{ ref('int_contract_payments') }}
),

final as (
    select
        customer_id,
        cast(sum(case when is_running then 1 else 0 end) as bigint) as running_count,
        min(case when is_running or ended_date is not null then started_date end) as first_started_date,
        min(case when is_running then started_date end) as running_since_date,
        max(ended_date) as last_ended_date,
        max(case when is_running and (is_past_due or is_under_notice) then 1 else 0 end) as in_danger,
        cast(sum(paid_cents) as bigint) as paid_cents
    from contracts
    group by 1
)

select * from final
