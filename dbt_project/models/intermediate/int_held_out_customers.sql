-- Who was drawn for the global holdout, by person as known now, and since when it holds; a holdout among several wins.
with drawn as (
    select * from {{ source('ledger', 'holdouts') }} where experiment = 'global'
),

redirects as (
    select * from {{ ref('int_customer_redirects') }}
),

final as (
    select
        coalesce(redirects.redirects_to_customer_id, drawn.customer_id) as customer_id,
        max(drawn.share) as share,
        min(case when drawn.arm = 'holdout' then drawn.assigned_as_of end) as held_out_from
    from drawn
    left join redirects on drawn.customer_id = redirects.customer_id
    group by 1
)

select * from final
