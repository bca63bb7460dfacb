-- How often those with a contract come of late, against their own pace before within the last year of the contract:
-- what is little for one is usual for another. Null while the contract is no older than the days compared.
with contracts as (
    select * from {{ ref('snapshot_contracts') }}
),

activity as (
    select * from {{ ref('snapshot_activity') }}
),

both_known as (
    select
        contracts.as_of_date,
        contracts.customer_id,
        least(contracts.contract_age_days, 365e0) as known_days,
        coalesce(activity.sessions_30d, 0e0) as sessions_30d,
        coalesce(activity.sessions_90d, 0e0) as sessions_90d,
        coalesce(activity.sessions_365d, 0e0) as sessions_365d
    from contracts
    left join activity on contracts.as_of_date = activity.as_of_date and contracts.customer_id = activity.customer_id
),

final as (
    select
        as_of_date,
        customer_id
        {%- for days in (30, 90) %},
        case when known_days > {{ days }} then
            (sessions_{{ days }}d + 0.5e0) / ((sessions_365d - sessions_{{ days }}d) * {{ days }}e0 / (known_days - {{ days }}e0) + 0.5e0)
        end as session_pace_{{ days }}d
        {%- endfor %}
    from both_known
)

select * from final
