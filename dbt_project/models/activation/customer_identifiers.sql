-- Every external id of a person, to join the published tables to the reader's own.
with identifiers as (
    select * from {{ ref('int_identifiers_now') }}
),

spans as (
    select * from {{ source('identity', 'person_spans') }}
),

customers as (
    select customer_id, external_id from {{ ref('dim_customers') }}
),

final as (
    select
        identifiers.customer_id,
        split_part(identifiers.identifier_id, ':', 1) as identifier_type,
        substring(identifiers.identifier_id, position(':' in identifiers.identifier_id) + 1) as identifier,
        coalesce(identifiers.identifier_id = 'account:' || customers.external_id, false) as is_primary,
        min(spans.known_from) as known_from
    from identifiers
    inner join spans
        on identifiers.identifier_id = spans.identifier_id and identifiers.customer_id = spans.customer_id
    inner join customers on identifiers.customer_id = customers.customer_id
    group by 1, 2, 3, 4
)

select * from final
