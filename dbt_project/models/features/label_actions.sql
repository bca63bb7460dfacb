-- What we ourselves did to the customers of each as-of within its horizon. The person is followed as in customer_labels; of
-- a customer of then who is several now, the one treated speaks, else the one for whom a play was decided first by name.
with successors as (
    {{ customers_now() }}
),

plays as (
    select * from {{ ref('label_plays') }}
),

messages as (
    select * from {{ ref('label_messages') }}
),

everything as (
    select
        successors.as_of_date,
        successors.customer_id,
        plays.first_play, plays.first_arm, plays.treated_play, plays.untreated_propensity,
        coalesce(plays.plays_decided, 0) as plays_decided,
        coalesce(messages.messages_sent, 0) as messages_sent,
        coalesce(messages.actions_sent, 0) as actions_sent,
        coalesce(plays.is_held_out, false) as is_held_out,
        row_number() over (
            partition by successors.as_of_date, successors.customer_id
            order by plays.treated_play nulls last, plays.first_play nulls last, successors.customer_id_now
        ) as turn
    from successors
    left join plays
        on successors.as_of_date = plays.as_of_date and successors.customer_id_now = plays.customer_id
    left join messages
        on successors.as_of_date = messages.as_of_date and successors.customer_id_now = messages.customer_id
),

final as (
    select
        as_of_date,
        customer_id,
        max(case when turn = 1 then first_play end) as first_play,
        max(case when turn = 1 then first_arm end) as first_arm,
        max(case when turn = 1 then treated_play end) as treated_play,
        max(case when turn = 1 then untreated_propensity end) as untreated_propensity,
        cast(sum(plays_decided) as bigint) as plays_decided,
        cast(sum(messages_sent) as bigint) as messages_sent,
        cast(sum(actions_sent) as bigint) as actions_sent,
        max(case when is_held_out then 1 else 0 end) = 1 as is_held_out
    from everything
    group by 1, 2
    having sum(plays_decided) > 0 or sum(messages_sent) > 0 or max(case when is_held_out then 1 else 0 end) = 1
)

select * from final
