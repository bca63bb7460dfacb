-- Whose identifier it was, as known at each as-of.
with as_ofs as (
    select * from {{ ref('int_as_ofs') }}
),

spans as (
    select * from {{ source('identity', 'person_spans') }}
),

identifiers as (
    select
        as_ofs.as_of_date,
        spans.identifier_id,
        spans.customer_id
    from spans
    inner join as_ofs
        on {{ is_known_at('spans.known_from', 'spans.known_to', 'as_ofs.known_before') }}
)

select * from identifiers
