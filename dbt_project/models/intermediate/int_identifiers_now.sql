-- Whose identifier it is at the scored as-of, everybody's.
with identifiers as (
    select * from {{ ref('int_identifiers_as_of') }}
),

final as (
    select
        identifier_id,
        customer_id
    from identifiers
    where as_of_date = {{ scoring_date() }}
)

select * from final
