-- What to do next, ready to send: nobody who is held out or in control is here.
with decisions as (
    select * from {{ source('ml', 'action_decisions') }} where arm = 'treatment'
),

customers as (
    select * from {{ ref('dim_customers') }}
),

final as (
    select
        decisions.action_id,
        decisions.customer_id,
        customers.external_id,
        decisions.play,
        decisions.channel,
        decisions.offer,
        decisions.template,
        decisions.arm,
        decisions.send_after,
        decisions.expires,
        cast(decisions.expected_margin as decimal(18, 4)) as expected_incremental_margin,
        '{{ var("currency") }}' as currency,
        decisions.reason,
        decisions.contact_permission,
        decisions.data_permission,
        decisions.decided_as_of
    from decisions
    inner join customers on decisions.customer_id = customers.customer_id
)

select * from final
