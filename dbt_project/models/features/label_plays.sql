-- Plays decided within the horizon after each as-of, whatever the arm, and who was held out of all, by person as known now.
with as_ofs as (
    select
        as_of_date,
        {{ day_start('as_of_date') }} as starts_at,
        {{ day_start(add_days('as_of_date', var('horizon_days'))) }} as ends_at
    from {{ ref('int_as_ofs') }}
),

held_out as (
    select
        as_ofs.as_of_date,
        held_out.customer_id
    from {{ ref('int_held_out_customers') }} as held_out
    inner join as_ofs on held_out.held_out_from < as_ofs.ends_at
),

decisions as (
    select
        as_ofs.as_of_date,
        decisions.*,
        row_number() over (
            partition by as_ofs.as_of_date, decisions.customer_id order by decisions.decided_as_of, decisions.action_id
        ) as turn,
        row_number() over (
            partition by as_ofs.as_of_date, decisions.customer_id, decisions.arm
            order by decisions.decided_as_of, decisions.action_id
        ) as turn_of_arm
    from {{ ref('int_decided_plays') }} as decisions
    inner join as_ofs on decisions.decided_as_of >= as_ofs.starts_at and decisions.decided_as_of < as_ofs.ends_at
),

-- Arms are frozen: a play decided twice draws once. Logarithms are added as whole numbers, whatever their order.
shares as (
    select
        as_of_date, customer_id, play,
        cast(round(ln(max(control_share)) * 1e6) as bigint) as log_control_share
    from decisions
    group by 1, 2, 3
),

controls as (
    select
        as_of_date,
        customer_id,
        exp(cast(sum(log_control_share) as double) / 1e6) as share
    from shares
    group by 1, 2
),

decided as (
    select
        decisions.as_of_date,
        decisions.customer_id,
        max(case when turn = 1 then play end) as first_play,
        max(case when turn = 1 then arm end) as first_arm,
        max(case when turn_of_arm = 1 and arm = 'treatment' then play end) as treated_play,
        round(max(held_out_share + (1e0 - held_out_share) * controls.share), 6) as untreated_propensity,
        count(*) as plays_decided
    from decisions
    inner join controls on decisions.as_of_date = controls.as_of_date and decisions.customer_id = controls.customer_id
    group by 1, 2
),

final as (
    select
        coalesce(decided.as_of_date, held_out.as_of_date) as as_of_date,
        coalesce(decided.customer_id, held_out.customer_id) as customer_id,
        held_out.customer_id is not null as is_held_out,
        decided.first_play, decided.first_arm, decided.treated_play, decided.untreated_propensity,
        coalesce(decided.plays_decided, 0) as plays_decided
    from decided
    full join held_out on decided.as_of_date = held_out.as_of_date and decided.customer_id = held_out.customer_id
)

select * from final
