-- Who bought (or did anything) within the horizon after each as-of, by all that is known at the scored one, identities too:
-- what came late, as after a feed had stood still, happened all the same, and what was cancelled late did not.
with as_ofs as (
    select
        as_of_date,
        {{ add_days('as_of_date', var('horizon_days')) }} as horizon_date
    from {{ ref('int_as_ofs') }}
),

identifiers_now as (
    select * from {{ ref('int_identifiers_now') }}
),

activity as (
    select * from {{ ref('daily_activity') }} where {{ churn_activity() }} <> 0
),

final as (
    select
        as_ofs.as_of_date,
        identifiers_now.customer_id
    from activity
    inner join identifiers_now on activity.identifier_id = identifiers_now.identifier_id
    inner join as_ofs
        on activity.activity_date >= as_ofs.as_of_date
        and activity.activity_date < as_ofs.horizon_date
        and activity.visible_from_date <= {{ scoring_date() }}
    group by 1, 2
    having sum(activity.{{ churn_activity() }}) > 0
)

select * from final
