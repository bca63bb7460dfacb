-- Ids that went into another one when two customers proved to be one person, or when what they had been known by first
-- proved to be shared, as known at the scored as-of.
with as_of as (
    select * from {{ ref('int_as_ofs') }} where as_of_date = {{ scoring_date() }}
),

redirects as (
    select * from {{ source('identity', 'redirects') }}
),

final as (
    select
        redirects.customer_id,
        redirects.surviving_customer_id as redirects_to_customer_id,
        redirects.known_from as known_at
    from redirects
    inner join as_of on {{ is_known_at('redirects.known_from', 'redirects.known_to', 'as_of.known_before') }}
)

select * from final
