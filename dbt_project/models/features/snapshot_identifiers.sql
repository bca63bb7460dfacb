-- Whose identifier it was at each as-of: everybody at the scored one, a hashed sample at those that train.
with identifiers as (
    select * from {{ ref('int_identifiers_as_of') }}
),

final as (
    select
        as_of_date,
        identifier_id,
        customer_id
    from identifiers
    where as_of_date = {{ scoring_date() }} or {{ is_sampled('customer_id') }}
)

select * from final
