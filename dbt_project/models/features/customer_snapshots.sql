-- Who stands in which snapshot: everybody with activity or a contract, ended ones too, at the scored as-of, the eligible at those that train.
with orders as (
    select * from {{ ref('snapshot_orders') }}
),

activity as (
    select * from {{ ref('snapshot_activity') }}
),

contracts as (
    select * from {{ ref('snapshot_contracts') }}
),

profiled as (
    select * from {{ ref('int_profiled_customers') }}
),

customers as (
    select as_of_date, customer_id from activity
    union
    select as_of_date, customer_id from contracts
    union
    select as_of_date, customer_id from {{ ref('snapshot_contract_changes') }}
),

eligible as (
    select
        customers.as_of_date,
        customers.customer_id,
        {% if var('churn_mode') == 'subscription' -%}
        coalesce(contracts.can_end_within_horizon and not contracts.is_under_notice, false) as is_eligible,
        {%- elif churn_activity() == 'events' -%}
        coalesce(activity.days_since_last_event <= {{ var('active_days') }}, false) as is_eligible,
        {%- else -%}
        coalesce(orders.days_since_last_order <= {{ var('active_days') }}, false) as is_eligible,
        {%- endif %}
        {% if var('churn_mode') == 'subscription' -%}
        case when contracts.is_under_notice then 'notice_given' else 'not_eligible' end as status_if_not_eligible,
        {%- else -%}
        'not_eligible' as status_if_not_eligible,
        {%- endif %}
        coalesce(profiled.is_profiled, false) as is_profiled
    from customers
    left join orders on customers.as_of_date = orders.as_of_date and customers.customer_id = orders.customer_id
    left join activity on customers.as_of_date = activity.as_of_date and customers.customer_id = activity.customer_id
    left join contracts on customers.as_of_date = contracts.as_of_date and customers.customer_id = contracts.customer_id
    left join profiled on customers.as_of_date = profiled.as_of_date and customers.customer_id = profiled.customer_id
),

final as (
    select * from eligible
    where as_of_date = {{ scoring_date() }} or (is_eligible and is_profiled)
)

select * from final
