-- Ids that went into another one, as known at the scored as-of.
with redirects as (
    select * from {{ ref('int_customer_redirects') }}
)

select * from redirects
