-- Whose identifier it was, as known at each as-of. Who has asked by the scored one to be erased is in none of them, so in
-- nothing that is learned, scored, decided or published.
with as_ofs as (
    select * from {{ ref('int_as_ofs') }}
),

spans as (
    select * from {{ source('identity', 'person_spans') }}
),

erased as (
    select * from {{ ref('int_erased_identifiers') }}
),

identifiers as (
    select
        as_ofs.as_of_date,
        spans.identifier_id,
        spans.customer_id
    from spans
    inner join as_ofs
        on {{ is_known_at('spans.known_from', 'spans.known_to', 'as_ofs.known_before') }}
    left join erased on spans.identifier_id = erased.identifier_id
    where erased.identifier_id is null
)

select * from identifiers
