-- Whom a segment or a play addresses. Nobody who is held out: an audience is there to be contacted.
with held_out as (
    select distinct customer_id from {{ source('ml', 'holdout_assignments') }} where arm = 'holdout'
),

scores as (
    select * from {{ ref('customer_scores') }} where may_profile
),

actions as (
    select distinct customer_id, play, contact_permission from {{ source('ml', 'standing_actions') }}
),

audiences as (
    select customer_id, 'stage:' || lifecycle_stage as audience, 'segment' as kind, null as contact_permission from scores
    union all
    select customer_id, 'churn:' || churn_band as audience, 'segment' as kind, null as contact_permission from scores
    union all
    select actions.customer_id, 'play:' || actions.play as audience, 'play' as kind, actions.contact_permission
    from actions
    inner join scores on actions.customer_id = scores.customer_id
),

final as (
    select
        audiences.customer_id,
        audiences.audience,
        audiences.kind,
        audiences.contact_permission
    from audiences
    left join held_out on audiences.customer_id = held_out.customer_id
    where audiences.audience is not null and held_out.customer_id is null
)

select * from final
