-- What was ordered, spent, sent back and earned within the horizon after each as-of, by all that is known at the scored
-- one. Each amount counts for one customer of then (label_identifiers).
with as_ofs as (
    select
        as_of_date,
        {{ add_days('as_of_date', var('horizon_days')) }} as horizon_date
    from {{ ref('int_as_ofs') }}
),

identifiers as (
    select * from {{ ref('label_identifiers') }}
),

bought as (
    select
        identifier_id, activity_date, visible_from_date, orders, spend_cents, returned_cents,
        0 as cost_unknown_cents, 0 as margin_cents
    from {{ ref('daily_activity') }}
    where orders <> 0 or spend_cents <> 0 or returned_cents <> 0
    union all
    select
        identifier_id, activity_date, visible_from_date, 0, 0, 0,
        spend_cents - known_spend_cents, margin_cents
    from {{ ref('int_daily_margins') }}
),

final as (
    select
        as_ofs.as_of_date,
        identifiers.customer_id,
        cast(sum(bought.orders) as bigint) as orders,
        cast(sum(bought.spend_cents) as bigint) as spend_cents,
        cast(sum(bought.spend_cents - bought.returned_cents) as bigint) as net_spend_cents,
        case when sum(bought.cost_unknown_cents) = 0 then cast(sum(bought.margin_cents) as bigint) end as margin_cents
    from bought
    inner join identifiers on bought.identifier_id = identifiers.identifier_id
    inner join as_ofs
        on identifiers.as_of_date = as_ofs.as_of_date
        and bought.activity_date >= as_ofs.as_of_date
        and bought.activity_date < as_ofs.horizon_date
        and bought.visible_from_date <= {{ scoring_date() }}
    group by 1, 2
)

select * from final
