-- One row per person as known at the scored as-of: who they are to the shop, what they did, which stage they are in.
with customers as (
    select distinct customer_id from {{ ref('int_identifiers_now') }}
),

accounts as (
    select * from {{ ref('int_customer_accounts') }} where account_rank = 1
),

-- A shop that sends no customers still numbers them in its orders.
account_numbers as (
    select
        customer_id,
        min(substring(identifier_id, 9)) as account_id
    from {{ ref('int_identifiers_now') }}
    where identifier_id like 'account:%'
    group by 1
),

activity as (
    select * from {{ ref('int_customer_activity') }}
),

feedback as (
    select * from {{ ref('int_customer_feedback') }}
),

contracts as (
    select * from {{ ref('int_customer_contract_history') }}
),

-- Fifths among those who bought within a year; ties go by customer id, so that they are the same in every run.
fifths as (
    select
        customer_id,
        ntile(5) over (order by last_order_date, customer_id) as recency,
        ntile(5) over (order by orders_365d, customer_id) as frequency,
        ntile(5) over (order by net_spend_cents_365d, customer_id) as money
    from activity
    where orders_365d > 0
),

final as (
    select
        customers.customer_id,
        coalesce(accounts.account_id, account_numbers.account_id) as external_id,
        accounts.country,
        accounts.region,
        accounts.language,
        accounts.acquisition_channel,
        accounts.loyalty_tier,
        coalesce(activity.first_order_date, {{ local_date('accounts.signed_up_at') }}) as customer_since_date,
        activity.first_order_date,
        activity.last_order_date,
        activity.last_visit_date,
        coalesce(activity.orders_count, 0) as orders_count,
        coalesce(activity.returned_lines_count, 0) as returned_lines_count,
        cast(coalesce(activity.net_spend_cents, 0) as bigint) as net_spend_cents,
        coalesce(activity.tickets_90_days_count, 0) as tickets_90_days_count,
        coalesce(feedback.tickets_open_count, 0) as tickets_open_count,
        feedback.last_nps_score,
        feedback.last_csat_score,
        {% if not var('has_orders') and values_contracts() -%}
        {{ contract_stage('contracts', scoring_date()) }} as lifecycle_stage,
        {%- else -%}
        {{ lifecycle_stage(
            'activity.first_order_date', 'activity.last_order_date', 'activity.orders_count',
            'activity.last_gap_days', 'activity.median_gap_days', scoring_date()
        ) }} as lifecycle_stage,
        {%- endif %}
        cast(fifths.recency as {{ 'varchar' if target.type == 'duckdb' else 'string' }}) || fifths.frequency || fifths.money as rfm_segment
    from customers
    left join accounts on customers.customer_id = accounts.customer_id
    left join account_numbers on customers.customer_id = account_numbers.customer_id
    left join activity on customers.customer_id = activity.customer_id
    left join feedback on customers.customer_id = feedback.customer_id
    left join fifths on customers.customer_id = fifths.customer_id
    left join contracts on customers.customer_id = contracts.customer_id
)

select * from final
