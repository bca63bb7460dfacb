-- Every play that was decided and published, whatever the arm, by person as known now, with the share of its control.
with decisions as (
    select * from {{ source('ledger', 'decisions') }}
),

redirects as (
    select * from {{ ref('int_customer_redirects') }}
),

held_out as (
    select * from {{ ref('int_held_out_customers') }}
),

-- The same action decided again, by another run of its day, is one.
by_person as (
    select
        coalesce(redirects.redirects_to_customer_id, decisions.customer_id) as customer_id,
        decisions.action_id, decisions.play, decisions.arm, decisions.propensity, decisions.decided_as_of,
        row_number() over (
            partition by decisions.action_id order by decisions.arm desc, decisions.customer_id, decisions.propensity
        ) as entry
    from decisions
    left join redirects on decisions.customer_id = redirects.customer_id
),

-- The probability of an arm is that of not being held out, times the share of the arm; the held out were not drawn.
with_shares as (
    select
        by_person.*,
        coalesce(held_out.share, 0e0) as held_out_share,
        case by_person.arm
            when 'treatment' then 1e0 - by_person.propensity / (1e0 - coalesce(held_out.share, 0e0))
            when 'control' then by_person.propensity / (1e0 - coalesce(held_out.share, 0e0))
        end as own_share
    from by_person
    left join held_out on by_person.customer_id = held_out.customer_id
    where by_person.entry = 1
),

final as (
    select
        customer_id, action_id, play, arm, decided_as_of, held_out_share,
        least(greatest(coalesce(own_share, max(own_share) over (partition by play), 0e0), 1e-9), 1e0) as control_share
    from with_shares
)

select * from final
