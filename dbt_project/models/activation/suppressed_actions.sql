-- What was not done although the customer was eligible, and the first rule that was against it.
with rejections as (
    select * from {{ source('ml', 'action_rejections') }}
),

final as (
    select
        customer_id,
        play,
        channel,
        rule,
        cast(expected_margin as decimal(18, 4)) as expected_incremental_margin,
        '{{ var("currency") }}' as currency,
        data_permission,
        decided_as_of
    from rejections
)

select * from final
