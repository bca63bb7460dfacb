-- Days on which a customer ordered, as known at each as-of. Days first: a cancellation that was known takes
-- back what the day had, and two identifiers of one person share a day.
with identifiers as (
    select * from {{ ref('snapshot_identifiers') }}
),

activity as (
    select * from {{ ref('daily_activity') }} where orders <> 0 or spend_cents <> 0
),

days as (
    select
        identifiers.as_of_date,
        identifiers.customer_id,
        {{ days_between('activity.activity_date', 'identifiers.as_of_date') }} as age_days,
        sum(activity.orders) as orders,
        sum(activity.spend_cents) as spend_cents
    from activity
    inner join identifiers
        on activity.identifier_id = identifiers.identifier_id
        and activity.visible_from_date <= identifiers.as_of_date
        and activity.activity_date >= {{ add_days('identifiers.as_of_date', '-' ~ var('lookback_days')) }}
    group by 1, 2, 3
),

final as (
    select
        as_of_date,
        customer_id,
        age_days,
        cast(orders as bigint) as orders,
        cast(spend_cents as bigint) as spend_cents,
        age_days - lead(age_days) over (partition by as_of_date, customer_id order by age_days desc) as days_to_next
    from days
    where orders > 0
)

select * from final
