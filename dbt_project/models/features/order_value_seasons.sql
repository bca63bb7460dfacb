-- How the value of a customer's order goes with the time of the year, within customers and as known at each as-of: sums
-- of squares and products of a yearly wave and the logarithm of the value, each less the mean of that customer.
with days as (
    select * from {{ ref('snapshot_order_days') }} where spend_cents > 0
),

profiled as (
    select * from {{ ref('int_profiled_customers') }} where is_profiled
),

orders as (
    select
        days.as_of_date,
        days.customer_id,
        {{ millionths('sin((0.5e0 - days.age_days) * (2 * pi() / 365.25e0))') }} as sine,
        {{ millionths('cos((0.5e0 - days.age_days) * (2 * pi() / 365.25e0))') }} as cosine,
        {{ millionths('ln(days.spend_cents)') }} as log_value
    from days
    inner join profiled on days.as_of_date = profiled.as_of_date and days.customer_id = profiled.customer_id
),

{% set pairs = [('sine', 'sine'), ('sine', 'cosine'), ('cosine', 'cosine'), ('sine', 'log_value'), ('cosine', 'log_value'), ('log_value', 'log_value')] %}
customers as (
    select
        as_of_date,
        customer_id,
        count(*) - 1 as repeat_orders,
        {%- for a, b in pairs %}
        {# whole numbers add up to the same sum in any order -#}
        (
            cast(sum({{ a }} * {{ b }}) as double) - cast(sum({{ a }}) as double) * cast(sum({{ b }}) as double) / count(*)
        ) / 1e12 as {{ a }}_{{ b }}{{ ',' if not loop.last }}
        {%- endfor %}
    from orders
    group by 1, 2
),

final as (
    select
        as_of_date,
        cast(sum(repeat_orders) as double) as repeat_orders,
        {%- for a, b in pairs %}
        cast(sum(cast({{ a }}_{{ b }} as decimal(18, 6))) as double) as {{ a }}_{{ b }}{{ ',' if not loop.last }}
        {%- endfor %}
    from customers
    group by 1
)

select * from final
