-- How recently, how often and in which rhythm a customer ordered, as known at each as-of.
with days as (
    select * from {{ ref('snapshot_order_days') }}
),

sums as (
    select
        as_of_date,
        customer_id,
        cast(min(age_days) as double) as days_since_last_order,
        cast(max(age_days) as double) as days_since_first_order,
        {%- for n in (30, 90, 180, 365) %}
        {{ in_window('orders', n) }} as orders_{{ n }}d,
        {{ in_window('1', n) }} as order_days_{{ n }}d,
        {{ in_window('spend_cents', n) }} / 100e0 as spend_{{ n }}d,
        {%- endfor %}
        {{ distinct_small('case when age_days <= 365 then ' ~ periods_back('age_days', 31) ~ ' end') }} as order_months_365d,
        cast(max(case when age_days <= 365 then spend_cents end) as double) / 100e0 as largest_order_day_365d,
        cast(sum(case when age_days > 365 - {{ var('horizon_days') }} and age_days <= 365 then orders else 0 end) as double) as orders_same_season,
        cast(count(days_to_next) as double) as repeat_order_days,
        cast(sum(days_to_next) as double) as gap_sum,
        cast(sum(cast(days_to_next as bigint) * days_to_next) as double) as gap_square_sum,
        cast(median(days_to_next) as double) as order_gap_median_days,
        cast(max(days_to_next) as double) as order_gap_max_days
    from days
    group by 1, 2
),

rhythm as (
    select
        *,
        {{ ratio('gap_sum', 'repeat_order_days') }} as order_gap_mean_days,
        case when repeat_order_days > 1 then sqrt(greatest(gap_square_sum - gap_sum * gap_sum / repeat_order_days, 0e0) / (repeat_order_days - 1e0)) end as order_gap_std_days
    from sums
),

final as (
    select
        *,
        {{ ratio('days_since_last_order', 'order_gap_median_days') }} as recency_over_median_gap,
        {{ ratio('days_since_last_order', 'order_gap_mean_days') }} as recency_over_mean_gap,
        order_days_365d / least(days_since_first_order, 365e0) * {{ var('horizon_days') }}e0 as expected_orders,
        {{ ratio('spend_365d', 'orders_365d') }} as average_order_value_365d,
        {{ trend('orders_90d', 90, 'orders_365d', 365) }} as order_trend,
        {{ ratio('spend_90d * (365e0 / 90e0)', 'spend_365d') }} as spend_trend
    from rhythm
)

select * from final
