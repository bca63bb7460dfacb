-- Items as known at the scored as-of: the newest version.
with as_of as (
    select * from {{ ref('int_as_ofs') }} where as_of_date = {{ scoring_date() }}
),

versions as (
    select
        products.*,
        row_number() over (
            partition by products.product_id order by products.occurred_at desc, products.known_at desc, {{ most_careful_first('products') }}
        ) as newness
    from {{ ref('stg_products') }} as products
    inner join as_of on products.occurred_at < as_of.as_of and products.known_at < as_of.known_before
),

final as (
    select
        product_id,
        product_name,
        category,
        category_path,
        brand,
        price,
        unit_cost,
        is_available,
        is_sensitive,
        launched_date
    from versions
    where newness = 1
)

select * from final
