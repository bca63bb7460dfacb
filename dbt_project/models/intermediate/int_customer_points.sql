-- Loyalty points at hand and those that run out within 30 days, at the scored as-of.
with identifiers as (
    select * from {{ ref('int_identifiers_now') }}
),

changes as (
    select
        identifiers.customer_id,
        rewards.points_change,
        case
            when rewards.change_type = 'earned'
                and {{ local_date('rewards.expires_at') }} >= {{ scoring_date() }}
                and {{ local_date('rewards.expires_at') }} <= {{ add_days(scoring_date(), 30) }}
                then rewards.points_change
            else 0
        end as points_running_out,
        case
            when rewards.points_change > 0
                and coalesce({{ local_date('rewards.expires_at') }} > {{ add_days(scoring_date(), 30) }}, true)
                then rewards.points_change
            else 0
        end as points_lasting
    from {{ ref('fct_rewards') }} as rewards
    inner join identifiers on rewards.identifier_id = identifiers.identifier_id
    where rewards.visible_from_date <= {{ scoring_date() }}
),

sums as (
    select
        customer_id,
        cast(sum(points_change) as decimal(18, 2)) as points_balance,
        cast(sum(points_running_out) as decimal(18, 2)) as points_running_out,
        cast(sum(points_lasting) as decimal(18, 2)) as points_lasting
    from changes
    group by 1
),

-- Whatever is spent is spent of those first that run out first: of the balance, what lasts longer is left last.
final as (
    select
        customer_id,
        points_balance,
        cast(
            greatest(least(points_balance - points_lasting, points_running_out), 0) as decimal(18, 2)
        ) as points_expiring_30_days
    from sums
)

select * from final
