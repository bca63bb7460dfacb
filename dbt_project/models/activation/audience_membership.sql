-- Whom a segment or a play addresses. Nobody who is held out: an audience is there to be contacted.
with held_out as (
    select distinct customer_id from {{ source('ml', 'holdout_assignments') }} where arm = 'holdout'
),

scores as (
    select * from {{ ref('customer_scores') }} where may_profile
),

decisions as (
    select * from {{ source('ml', 'action_decisions') }} where arm = 'treatment'
),

audiences as (
    select customer_id, 'stage:' || lifecycle_stage as audience, 'segment' as kind, null as contact_permission from scores
    union all
    select customer_id, 'churn:' || churn_band as audience, 'segment' as kind, null as contact_permission from scores
    union all
    select decisions.customer_id, 'play:' || decisions.play as audience, 'play' as kind, decisions.contact_permission
    from decisions
    inner join scores on decisions.customer_id = scores.customer_id
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
