-- The household of each person as known at the scored as-of; of several the first by name.
with identifiers as (
    select * from {{ ref('int_identifiers_now') }}
),

as_of as (
    select * from {{ ref('int_as_ofs') }} where as_of_date = {{ scoring_date() }}
),

seen as (
    select left_type || ':' || left_token as identifier_id, right_token as household_id, occurred_at, known_at
    from {{ source('raw', 'identities') }}
    where right_type = 'household' and left_type <> 'household'
    union all
    select right_type || ':' || right_token as identifier_id, left_token as household_id, occurred_at, known_at
    from {{ source('raw', 'identities') }}
    where left_type = 'household' and right_type <> 'household'
),

final as (
    select
        identifiers.customer_id,
        min(seen.household_id) as household_id
    from seen
    inner join identifiers on seen.identifier_id = identifiers.identifier_id
    inner join as_of on seen.known_at < as_of.known_before and seen.occurred_at < as_of.as_of
    group by 1
)

select * from final
