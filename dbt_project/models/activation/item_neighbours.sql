-- What goes with an item, with its name.
with neighbours as (
    select * from {{ source('ml', 'item_neighbours') }} where as_of_date = {{ scoring_date() }}
),

products as (
    select * from {{ ref('dim_products') }}
),

as_of as (
    select * from {{ ref('int_as_ofs') }} where as_of_date = {{ scoring_date() }}
),

final as (
    select
        neighbours.product_id,
        cast(row_number() over (partition by neighbours.product_id order by neighbours.rank) as integer) as rank,
        neighbours.neighbour_product_id,
        products.product_name as neighbour_name,
        neighbours.kind,
        neighbours.support,
        neighbours.lift,
        neighbours.score,
        as_of.as_of
    from neighbours
    left join products on neighbours.neighbour_product_id = products.product_id
    cross join as_of
)

select * from final
