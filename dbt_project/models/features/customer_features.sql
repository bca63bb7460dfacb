-- What a model sees of a customer at an as-of: nothing older than the look-back, nothing not yet known. What
-- counts is 0 where nothing was; what measures (a gap, a share, days since) is null where there is nothing to measure.
{%- set counts = {
    'snapshot_orders': [
        'orders_30d', 'orders_90d', 'orders_180d', 'orders_365d', 'order_days_30d', 'order_days_90d', 'order_days_180d',
        'order_days_365d', 'repeat_order_days', 'order_months_365d', 'orders_same_season', 'spend_30d', 'spend_90d', 'spend_180d', 'spend_365d',
    ],
    'snapshot_activity': [
        'order_lines_90d', 'order_lines_365d', 'units_90d', 'units_365d', 'returns_90d', 'returns_365d',
        'sessions_7d', 'sessions_30d', 'sessions_90d', 'sessions_365d', 'event_days_30d', 'event_weeks_365d',
        'product_views_30d', 'product_views_90d', 'searches_90d', 'carts_30d', 'carts_90d',
        'messages_sent_90d', 'messages_opened_90d', 'messages_clicked_90d', 'messages_bounced_90d',
        'complaints_365d', 'unsubscribes_365d', 'tickets_opened_90d', 'tickets_opened_365d', 'ticket_contacts_365d',
        'tickets_open', 'points_earned_90d', 'points_earned_365d', 'points_spent_365d',
    ],
    'snapshot_points': ['points_balance', 'points_expiring_30d'],
    'snapshot_products': ['products_365d'],
    'snapshot_contracts': ['subscriptions_running'],
    'snapshot_contract_changes': [
        'payment_failures_365d', 'days_past_due', 'days_past_due_365d', 'price_rises_365d', 'plan_changes_365d', 'usage_30d',
        'usage_90d',
    ],
    'snapshot_contract_visits': [],
} %}
{%- set measured = {
    'snapshot_orders': [
        'days_since_last_order', 'days_since_first_order', 'expected_orders', 'order_gap_mean_days', 'order_gap_median_days',
        'order_gap_std_days', 'order_gap_max_days', 'recency_over_median_gap', 'recency_over_mean_gap', 'order_trend',
        'spend_trend', 'average_order_value_365d', 'largest_order_day_365d',
    ],
    'snapshot_activity': [
        'discount_share_365d', 'returned_share_365d', 'days_since_last_event', 'session_trend', 'message_open_rate_90d',
        'message_click_rate_90d', 'ticket_rating_mean_365d', 'nps_mean_365d', 'review_mean_365d',
    ],
    'snapshot_points': [],
    'snapshot_products': ['repeat_product_share_365d'],
    'snapshot_contracts': [
        'contract_age_days', 'days_to_renewal', 'days_to_last_renewal', 'contract_period_days', 'is_past_due', 'has_given_notice', 'usage_share',
    ],
    'snapshot_contract_changes': [
        'days_since_price_rise', 'days_since_payment_failure', 'payment_failure_share', 'usage_trend',
    ],
    'snapshot_contract_visits': ['session_pace_30d', 'session_pace_90d'],
} %}
with snapshots as (
    select * from {{ ref('customer_snapshots') }}
),

final as (
    select
        snapshots.as_of_date,
        snapshots.customer_id,
        {%- for relation in counts %}{% set last_relation = loop.last %}
        {%- for name in counts[relation] %}
        coalesce({{ relation }}.{{ name }}, 0e0) as {{ name }},
        {%- endfor %}
        {%- for name in measured[relation] %}
        {{ relation }}.{{ name }}{{ '' if last_relation and loop.last else ',' }}
        {%- endfor %}
        {%- endfor %}
    from snapshots
    {%- for relation in counts %}
    left join {{ ref(relation) }} as {{ relation }}
        on snapshots.as_of_date = {{ relation }}.as_of_date and snapshots.customer_id = {{ relation }}.customer_id
    {%- endfor %}
)

select * from final
