-- How much of what a customer spent in the last year was margin, as known at the scored as-of. No feature: it turns
-- expected spend into expected margin.
with identifiers as (
    select * from {{ ref('snapshot_identifiers') }} where as_of_date = {{ scoring_date() }}
),

margins as (
    select * from {{ ref('int_daily_margins') }}
),

final as (
    select
        identifiers.as_of_date,
        identifiers.customer_id,
        cast(sum(margins.known_spend_cents) as bigint) as known_spend_cents_365d,
        cast(sum(margins.margin_cents) as bigint) as margin_cents_365d
    from margins
    inner join identifiers
        on margins.identifier_id = identifiers.identifier_id
        and margins.visible_from_date <= identifiers.as_of_date
        and margins.activity_date >= {{ add_days('identifiers.as_of_date', '-365') }}
    group by 1, 2
    having sum(margins.known_spend_cents) > 0
)

select * from final
