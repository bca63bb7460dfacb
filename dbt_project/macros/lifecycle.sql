{# Lifecycle stage from orders and the customer's own rhythm. Thresholds, in days:
   new          first order within 30 days and no second one yet
   onboarding   first order within 90 days
   lapsed       no order for longer than active_days
   won_back     came back within 90 days after a gap longer than active_days
   at_risk      silent for more than twice the own median gap and more than 30 days (without a rhythm: 90 days)
   active       all others with an order #}
{% macro lifecycle_stage(first_order_date, last_order_date, orders_count, last_gap_days, median_gap_days, as_of_date) -%}
    case
        when coalesce({{ orders_count }}, 0) <= 0 or {{ last_order_date }} is null then 'prospect'
        when {{ days_between(last_order_date, as_of_date) }} > {{ var('active_days') }} then 'lapsed'
        when {{ days_between(first_order_date, as_of_date) }} <= 30 and {{ orders_count }} = 1 then 'new'
        when {{ days_between(first_order_date, as_of_date) }} <= 90 then 'onboarding'
        when {{ last_gap_days }} > {{ var('active_days') }} and {{ days_between(last_order_date, as_of_date) }} <= 90 then 'won_back'
        when {{ days_between(last_order_date, as_of_date) }} > greatest(30, coalesce(2 * {{ median_gap_days }}, 90)) then 'at_risk'
        else 'active'
    end
{%- endmacro %}
