-- What then happened within the horizon after each as-of, once that is due, by all that is known at the scored one. The
-- person is followed by what we know of identities now, the features only by what was known then. Of one person who was two
-- customers then, both came back if either did, for there is nobody to win back; what they spent counts once, for whose
-- identifiers brought it (label_identifiers).
-- depends_on: {{ ref('label_activity') }}, {{ ref('label_subscriptions') }}
with snapshots as (
    select * from {{ ref('customer_snapshots') }}
),

due as (
    select as_of_date
    from {{ ref('int_as_ofs') }}
    where {{ add_days('as_of_date', var('horizon_days') + var('label_delay_days')) }} <= {{ scoring_date() }}
),

successors as (
    {{ customers_now() }}
),

outcomes as (
    select * from {{ ref('label_subscriptions' if var('churn_mode') == 'subscription' else 'label_activity') }}
),

stayed as (
    select distinct
        successors.as_of_date,
        successors.customer_id
    from successors
    inner join outcomes
        on successors.as_of_date = outcomes.as_of_date and successors.customer_id_now = outcomes.customer_id
),

known as (
    select
        snapshots.*,
        due.as_of_date is not null and snapshots.is_eligible as is_known,
        stayed.customer_id is null as has_churned,
        spent.customer_id is not null as has_spent,
        spent.orders, spent.spend_cents, spent.net_spend_cents, spent.margin_cents,
        actions.first_play, actions.first_arm, actions.treated_play, actions.untreated_propensity,
        actions.plays_decided, actions.messages_sent, actions.actions_sent, actions.is_held_out,
        courses.periods_watched, courses.has_ended
    from snapshots
    left join due on snapshots.as_of_date = due.as_of_date
    left join stayed on snapshots.as_of_date = stayed.as_of_date and snapshots.customer_id = stayed.customer_id
    left join {{ ref('label_value') }} as spent
        on snapshots.as_of_date = spent.as_of_date and snapshots.customer_id = spent.customer_id
    left join {{ ref('label_actions') }} as actions
        on snapshots.as_of_date = actions.as_of_date and snapshots.customer_id = actions.customer_id
    left join {{ ref('label_contract_courses') }} as courses
        on snapshots.as_of_date = courses.as_of_date and snapshots.customer_id = courses.customer_id
),

final as (
    select
        as_of_date,
        customer_id,
        is_eligible,
        case when not is_eligible then status_if_not_eligible end as status_if_not_eligible,
        case when is_known then has_churned end as has_churned,
        is_profiled,
        case when is_known then coalesce(orders, 0) end as orders_within_horizon
        {%- for name in ['spend', 'net_spend', 'margin'] %},
        cast(case when is_known then case when has_spent then {{ name }}_cents else 0 end end / cast(100 as decimal(18, 2)) as decimal(18, 2)) as {{ name }}_within_horizon
        {%- endfor %}
        {%- for name in ['first_play', 'first_arm', 'treated_play', 'untreated_propensity'] %},
        case when is_known then {{ name }} end as {{ name }}
        {%- endfor %}
        {%- for name in ['plays_decided', 'messages_sent', 'actions_sent'] %},
        cast(case when is_known then coalesce({{ name }}, 0) end as bigint) as {{ name }}
        {%- endfor %},
        case when is_known then coalesce(is_held_out, false) end as is_held_out,
        periods_watched as contract_periods_watched,
        has_ended as has_contract_ended
    from known
)

select * from final
