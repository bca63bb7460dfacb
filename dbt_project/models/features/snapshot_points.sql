-- Loyalty points at hand and those that run out within 30 days, as known at each as-of, of what changed within the look-back.
-- What was earned before it may have been spent or have run out within it: no balance lies below 0.
with identifiers as (
    select * from {{ ref('snapshot_identifiers') }}
),

rewards as (
    select
        *,
        cast(round(points_change * 1000, 0) as bigint) as change_thousandths,
        {{ local_date('occurred_at') }} as activity_date,
        {{ local_date('expires_at') }} as expiry_date
    from {{ ref('fct_rewards') }}
),

sums as (
    select
        identifiers.as_of_date,
        identifiers.customer_id,
        sum(rewards.change_thousandths) as balance,
        sum(case
            when rewards.change_type = 'earned'
                and rewards.expiry_date >= identifiers.as_of_date
                and rewards.expiry_date <= {{ add_days('identifiers.as_of_date', 30) }}
                then rewards.change_thousandths
            else 0
        end) as running_out,
        sum(case
            when rewards.change_thousandths > 0
                and coalesce(rewards.expiry_date > {{ add_days('identifiers.as_of_date', 30) }}, true)
                then rewards.change_thousandths
            else 0
        end) as lasting
    from rewards
    inner join identifiers
        on rewards.identifier_id = identifiers.identifier_id
        and rewards.visible_from_date <= identifiers.as_of_date
        and rewards.activity_date >= {{ add_days('identifiers.as_of_date', '-' ~ var('lookback_days')) }}
    group by 1, 2
),

-- Whatever is spent is spent of those first that run out first, as in int_customer_points.
final as (
    select
        as_of_date,
        customer_id,
        cast(greatest(balance, 0) as double) / 1000e0 as points_balance,
        cast(greatest(least(balance - lasting, running_out), 0) as double) / 1000e0 as points_expiring_30d
    from sums
)

select * from final
