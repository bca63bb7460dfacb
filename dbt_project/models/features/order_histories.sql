-- How many customers share a history of orders, as known at each as-of; of those who may be profiled.
with orders as (
    select * from {{ ref('snapshot_orders') }}
),

profiled as (
    select * from {{ ref('int_profiled_customers') }} where is_profiled
),

final as (
    select
        orders.as_of_date,
        orders.repeat_order_days,
        orders.days_since_first_order,
        orders.days_since_last_order,
        count(*) as customers
    from orders
    inner join profiled on orders.as_of_date = profiled.as_of_date and orders.customer_id = profiled.customer_id
    group by 1, 2, 3, 4
)

select * from final
