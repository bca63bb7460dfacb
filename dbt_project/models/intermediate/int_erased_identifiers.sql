-- Every identifier of a person who has asked, by the scored as-of, to be erased.
with as_of as (
    select * from {{ ref('int_as_ofs') }} where as_of_date = {{ scoring_date() }}
),

identifiers as (
    select
        spans.identifier_id,
        spans.customer_id
    from {{ source('identity', 'person_spans') }} as spans
    inner join as_of on {{ is_known_at('spans.known_from', 'spans.known_to', 'as_of.known_before') }}
),

requests as (
    select distinct requests.identifier_id
    from {{ ref('stg_erasure_requests') }} as requests
    inner join as_of on requests.occurred_at < as_of.as_of and requests.known_at < as_of.known_before
),

customers as (
    select distinct identifiers.customer_id
    from identifiers
    inner join requests on identifiers.identifier_id = requests.identifier_id
),

final as (
    select identifiers.identifier_id
    from identifiers
    inner join customers on identifiers.customer_id = customers.customer_id
)

select * from final
