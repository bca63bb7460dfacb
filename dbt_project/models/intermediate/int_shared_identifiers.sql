-- Whom an address or a number means at the scored as-of that several people share, so that it is nobody's identifier:
-- each of those whose rows carry it. Only what fails closed may go by it: a refusal reaches all of them, a grant nobody.
with as_of as (
    select * from {{ ref('int_as_ofs') }} where as_of_date = {{ scoring_date() }}
),

edges as (
    select edges.left_id, edges.right_id
    from {{ ref('int_identifier_edges') }} as edges
    inner join as_of on edges.known_at < as_of.known_before
),

identifiers as (
    select * from {{ ref('int_identifiers_now') }}
),

linked as (
    select left_id as identifier_id, right_id as linked_id from edges
    union all
    select right_id as identifier_id, left_id as linked_id from edges
),

final as (
    select distinct
        linked.identifier_id,
        identifiers.customer_id
    from linked
    inner join identifiers on linked.linked_id = identifiers.identifier_id
    left join identifiers as owned on linked.identifier_id = owned.identifier_id
    where owned.identifier_id is null
        and ({% for type in touchpoint_identifiers('consents') %}linked.identifier_id like '{{ type }}:%'{{ ' or ' if not loop.last }}{% endfor %})
)

select * from final
