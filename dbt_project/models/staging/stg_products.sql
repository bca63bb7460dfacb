with source as (
    select * from {{ source('raw', 'products') }}
),

renamed as (
    select
        product_id,
        name as product_name,
        category_path,
        split(category_path, ' > ')[{{ 1 if target.type == 'duckdb' else 0 }}] as category,
        brand,
        price,
        unit_cost,
        is_available,
        coalesce(is_sensitive, false) as is_sensitive,
        launched_date,
        occurred_at,
        known_at,
        row_hash
    from source
)

select * from renamed
