-- Every item that can be recommended or learned from, as known at each as-of of the recommender: the newest version of
-- what the shop delivers, and items that it only ever sold or showed. Sensitive is what was known to be so then or is by
-- now: a permission that is missing today takes people out of what earlier as-ofs teach, too.
with as_ofs as (
    select * from {{ ref('recommender_as_ofs') }}
),

versions as (
    select
        as_ofs.as_of_date,
        products.*,
        row_number() over (
            partition by as_ofs.as_of_date, products.product_id
            order by products.occurred_at desc, products.known_at desc, {{ most_careful_first('products') }}
        ) as newness
    from {{ ref('stg_products') }} as products
    inner join as_ofs on products.occurred_at < as_ofs.as_of and products.known_at < as_ofs.known_before
),

sensitive_now as (
    select product_id from {{ ref('dim_products') }} where is_sensitive
),

touched as (
    select product_id, visible_from_date from {{ ref('daily_product_activity') }}
    union all
    select product_id, visible_from_date from {{ ref('daily_product_views') }}
),

seen as (
    select product_id, min(visible_from_date) as seen_from_date
    from touched
    group by 1
),

items as (
    select as_of_date, product_id from versions where newness = 1
    union
    select as_ofs.as_of_date, seen.product_id
    from seen
    inner join as_ofs on seen.seen_from_date <= as_ofs.as_of_date
),

final as (
    select
        items.as_of_date,
        items.product_id,
        versions.product_name,
        versions.category_path,
        versions.category,
        versions.brand,
        cast(versions.price as double) as price,
        coalesce(versions.is_available, true) and coalesce(versions.launched_date <= items.as_of_date, true) as is_available,
        coalesce(versions.is_sensitive, false) or sensitive_now.product_id is not null as is_sensitive,
        versions.launched_date
    from items
    left join versions
        on items.as_of_date = versions.as_of_date and items.product_id = versions.product_id and versions.newness = 1
    left join sensitive_now on items.product_id = sensitive_now.product_id
)

select * from final
