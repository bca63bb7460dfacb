-- What to do next, ready to send: nobody who is held out or in control is here.
with actions as (
    select * from {{ source('ml', 'standing_actions') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

final as (
    select
        actions.action_id,
        actions.customer_id,
        customers.external_id,
        actions.play,
        actions.channel,
        actions.offer,
        actions.template,
        actions.arm,
        actions.send_after,
        actions.expires,
        cast(actions.expected_margin as decimal(18, 4)) as expected_incremental_margin,
        '{{ var("currency") }}' as currency,
        actions.reason,
        actions.contact_permission,
        actions.data_permission,
        actions.decided_as_of
    from actions
    inner join customers on actions.customer_id = customers.customer_id
)

select * from final
