-- What a play may ask of a customer at the scored as-of. Without permission to profile only what serves the
-- customer's own concerns stands; what is null makes no predicate true.
{%- set shown = "case when flags.may_profile then " %}
with scores as (
    select * from {{ source('ml', 'churn_scores') }} where as_of_date = {{ scoring_date() }}
),

expected as (
    select * from {{ source('ml', 'value_scores') }} where as_of_date = {{ scoring_date() }}
),

likings as (
    select
        customer_id,
        max(case when attribute = 'category' then value end) as favourite_category,
        max(case when attribute = 'contact_channel' then value end) as preferred_channel,
        max(case when attribute = 'sales_channel' then value end) as preferred_sales_channel
    from {{ ref('int_customer_affinities') }}
    where preference_rank = 1
    group by 1
),

final as (
    select
        {{ scoring_date() }} as as_of_date,
        scores.customer_id,
        households.household_id,
        flags.may_serve, flags.may_email, flags.may_push, flags.may_sms, flags.may_call, flags.may_profile,
        {{ days_between('signals.last_complaint_date', scoring_date()) }} as days_since_complaint,
        {%- for channel in ['email', 'push', 'sms'] %}
        {{ days_between('signals.last_' ~ channel ~ '_bounce_date', scoring_date()) }} as days_since_{{ channel }}_bounce,
        {{ days_between('signals.last_' ~ channel ~ '_unsubscribe_date', scoring_date()) }} as days_since_{{ channel }}_unsubscribe,
        {%- endfor %}
        customers.country, customers.language, customers.loyalty_tier,
        customers.tickets_open_count, customers.tickets_90_days_count, customers.last_csat_score,
        {{ days_between('signals.last_bad_rating_date', scoring_date()) }} as days_since_bad_rating,
        cast(points.points_balance as double) as points_balance,
        cast(points.points_expiring_30_days as double) as points_expiring_30_days,
        contracts.contracts_running_count, contracts.days_to_renewal, contracts.price_per_30_days,
        {{ 'cast(contract_values.bound_cents as double) / 100' if values_contracts() else 'cast(null as double)' }} as remaining_contract_value,
        contracts.is_past_due, contracts.is_under_notice, contracts.days_since_payment_failure,
        {{ shown }}contracts.contract_age_days end as contract_age_days,
        {{ shown }}contracts.usage_share end as usage_share,
        {{ shown }}contracts.usage_30d end as usage_30d,
        {{ shown }}customers.acquisition_channel end as acquisition_channel,
        {{ shown }}{{ days_between('customers.customer_since_date', scoring_date()) }} end as days_as_customer,
        {{ shown }}customers.orders_count end as orders_count,
        {{ shown }}customers.returned_lines_count end as returned_lines_count,
        {{ shown }}cast(customers.net_spend_cents as double) / 100 end as net_spend,
        {{ shown }}round({{ ratio('customers.net_spend_cents', 'customers.orders_count') }} / 100, 2) end as average_order_value,
        {{ shown }}{{ days_between('customers.first_order_date', scoring_date()) }} end as days_since_first_order,
        {{ shown }}{{ days_between('customers.last_order_date', scoring_date()) }} end as days_since_last_order,
        {{ shown }}{{ days_between('customers.last_visit_date', scoring_date()) }} end as days_since_last_visit,
        {{ shown }}{{ days_between('signals.last_basket_date', scoring_date()) }} end as days_since_last_basket,
        {{ shown }}activity.median_gap_days end as median_gap_days,
        {{ shown }}customers.last_nps_score end as last_nps_score,
        {{ shown }}likings.favourite_category end as favourite_category,
        {{ shown }}likings.preferred_channel end as preferred_channel,
        {{ shown }}likings.preferred_sales_channel end as preferred_sales_channel,
        {{ shown }}customers.lifecycle_stage end as lifecycle_stage,
        {{ shown }}customers.rfm_segment end as rfm_segment,
        {{ shown }}scores.churn_probability end as churn_probability,
        {{ shown }}scores.churn_percentile end as churn_percentile,
        {{ shown }}scores.churn_band end as churn_band,
        {{ shown }}cast(expected.expected_orders as double) end as expected_orders,
        {{ shown }}cast(expected.expected_spend as double) end as expected_spend,
        {{ shown }}cast(expected.expected_margin as double) end as expected_margin,
        {% if values_contracts() -%}
        {{ shown }}coalesce({{ 'expected.predicted_clv' if var('has_orders') else 'null' }}, 0e0) + coalesce(cast(contract_values.expected_cents as double), 0e0) / 100 end as predicted_clv,
        {%- else -%}
        {{ shown }}cast(expected.predicted_clv as double) end as predicted_clv,
        {%- endif %}
        {{ shown }}{{ days_between(scoring_date(), 'expected.expected_date_of_next_order') }} end as days_to_expected_order,
        cast(0 as integer) as live_views_count, cast(0 as integer) as live_baskets_count, cast(0 as integer) as live_orders_count
    from scores
    inner join {{ ref('dim_customers') }} as customers on scores.customer_id = customers.customer_id
    inner join {{ ref('int_permission_flags') }} as flags on scores.customer_id = flags.customer_id
    left join {{ ref('int_customer_activity') }} as activity on scores.customer_id = activity.customer_id
    left join {{ ref('int_customer_households') }} as households on scores.customer_id = households.customer_id
    left join {{ ref('int_customer_signals') }} as signals on scores.customer_id = signals.customer_id
    left join {{ ref('int_customer_points') }} as points on scores.customer_id = points.customer_id
    left join {{ ref('int_customer_contracts') }} as contracts on scores.customer_id = contracts.customer_id
    left join {{ ref('contract_values') }} as contract_values on scores.customer_id = contract_values.customer_id
    left join expected on scores.customer_id = expected.customer_id
    left join likings on scores.customer_id = likings.customer_id
)

select * from final
