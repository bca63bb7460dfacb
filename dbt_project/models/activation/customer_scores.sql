-- What a CRM reads: the score, why, and what it may be used for. Without permission to profile the row stands
-- with its flags and nothing else. Value is told from orders, and from contracts where churn is; a shop that has neither
-- says nothing of it, so that nobody takes an unknown value for none.
{%- set may_order = 'permissions.may_profile' if var('has_orders') else 'false' %}
{%- set may_value = 'permissions.may_profile' if var('has_orders') or values_contracts() else 'false' %}
{%- set spent = 'customers.net_spend_cents' if var('has_orders') else '0' %}
{%- set expected = 'value_scores.predicted_clv' if var('has_orders') else '0' %}
with customers as (
    select * from {{ ref('dim_customers') }}
),

scores as (
    select * from {{ source('ml', 'churn_scores') }} where as_of_date = {{ scoring_date() }}
),

as_of as (
    select * from {{ ref('int_as_ofs') }} where as_of_date = {{ scoring_date() }}
),

value_scores as (
    select * from {{ source('ml', 'value_scores') }} where as_of_date = {{ scoring_date() }}
),

permissions as (
    select * from {{ ref('int_permission_flags') }}
),

channels as (
    select
        customer_id,
        max(case when attribute = 'contact_channel' then value end) as preferred_channel,
        max(case when attribute = 'sales_channel' then value end) as preferred_sales_channel
    from {{ ref('int_customer_affinities') }}
    where preference_rank = 1
    group by 1
),

-- Hundredths of the currency; what is not known stays null, what a shop does not have adds nothing.
amounts as (
    select
        scores.customer_id,
        {%- if values_contracts() %}
        {{ spent }} + coalesce(history.paid_cents, 0) as historic_cents,
        cast(round(cast({{ expected }} as double) * 100) as bigint) + coalesce(contracts.expected_cents, 0) as predicted_cents,
        coalesce(contracts.bound_cents, 0) as bound_cents
        {%- else %}
        {{ spent }} as historic_cents,
        cast(round(cast({{ expected }} as double) * 100) as bigint) as predicted_cents,
        cast(null as bigint) as bound_cents
        {%- endif %}
    from scores
    inner join customers on scores.customer_id = customers.customer_id
    left join value_scores on scores.customer_id = value_scores.customer_id
    left join {{ ref('int_customer_contract_history') }} as history on scores.customer_id = history.customer_id
    left join {{ ref('contract_values') }} as contracts on scores.customer_id = contracts.customer_id
),

final as (
    select
        customers.customer_id,
        customers.external_id,
        case when permissions.may_profile then scores.status else 'not_profiled' end as status,
        '{{ var("churn_mode") }}' as churn_mode,
        cast({{ var('horizon_days') }} as integer) as churn_horizon_days,
        case when permissions.may_profile then scores.churn_probability end as churn_probability,
        case when permissions.may_profile then scores.churn_percentile end as churn_percentile,
        case when permissions.may_profile then scores.churn_band end as churn_band,
        case when permissions.may_profile then scores.reason_1_words end as churn_reason_1,
        case when permissions.may_profile then scores.reason_2_words end as churn_reason_2,
        case when permissions.may_profile then scores.reason_3_words end as churn_reason_3,
        case when permissions.may_profile then scores.reason_1_customer_words end as customer_safe_reason_1,
        case when permissions.may_profile then scores.reason_2_customer_words end as customer_safe_reason_2,
        case when permissions.may_profile then scores.reason_3_customer_words end as customer_safe_reason_3,
        case when {{ may_value }} then customers.lifecycle_stage end as lifecycle_stage,
        case when {{ may_order }} then customers.rfm_segment end as rfm_segment,
        case when {{ may_value }} then {{ decimal_of('amounts.historic_cents') }} end as historic_clv,
        case when {{ may_value }} then {{ decimal_of('amounts.predicted_cents') }} end as predicted_clv,
        {%- for name in ['predicted_clv_low', 'predicted_clv_high', 'expected_margin'] %}
        case when {{ may_order }} then cast(value_scores.{{ name }} as decimal(18, 2)) end as {{ name }},
        {%- endfor %}
        case when {{ may_value }} then {{ decimal_of('(amounts.historic_cents + amounts.predicted_cents)') }} end as total_clv,
        case when {{ may_value }} then {{ decimal_of('amounts.bound_cents') }} end as remaining_contract_value,
        case when {{ may_order }} then value_scores.expected_orders end as expected_orders,
        case when {{ may_order }} then value_scores.expected_date_of_next_order end as expected_date_of_next_order,
        case when permissions.may_profile then scores.expected_remaining_lifetime_days end as expected_remaining_lifetime_days,
        '{{ var("currency") }}' as currency,
        case when permissions.may_profile then channels.preferred_channel end as preferred_channel,
        case when permissions.may_profile then channels.preferred_sales_channel end as preferred_sales_channel,
        permissions.may_email,
        permissions.may_push,
        permissions.may_sms,
        permissions.may_call,
        permissions.may_profile,
        permissions.may_personalise,
        permissions.may_target_ads,
        scores.model_version,
        value_scores.model_version as value_model_version,
        as_of.as_of,
        as_of.as_of + interval '{{ var("valid_days", 8) }}' day as valid_until
    from scores
    inner join customers on scores.customer_id = customers.customer_id
    inner join amounts on scores.customer_id = amounts.customer_id
    inner join permissions on scores.customer_id = permissions.customer_id
    left join value_scores on scores.customer_id = value_scores.customer_id
    left join channels on scores.customer_id = channels.customer_id
    cross join as_of
)

select * from final
