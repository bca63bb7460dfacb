-- Ids that went into another one when two customers proved to be one person, as known at the scored as-of.
with as_of as (
    select * from {{ ref('int_as_ofs') }} where as_of_date = {{ scoring_date() }}
),

ledger as (
    select * from {{ source('identity', 'customer_ledger') }}
),

spans as (
    select * from {{ source('identity', 'person_spans') }}
),

final as (
    select
        ledger.customer_id,
        spans.customer_id as redirects_to_customer_id,
        spans.known_from as known_at
    from ledger
    inner join spans on ledger.identifier_id = spans.identifier_id
    inner join as_of on {{ is_known_at('spans.known_from', 'spans.known_to', 'as_of.known_before') }}
    where ledger.customer_id <> spans.customer_id
)

select * from final
