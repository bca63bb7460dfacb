-- What to show to whom, with the item's name and price.
with recommended as (
    select * from {{ source('ml', 'recommendations') }} where as_of_date = {{ scoring_date() }}
),

products as (
    select * from {{ ref('dim_products') }}
),

as_of as (
    select * from {{ ref('int_as_ofs') }} where as_of_date = {{ scoring_date() }}
),

final as (
    select
        recommended.customer_id,
        recommended.rank,
        recommended.recommendation_id,
        recommended.product_id,
        products.product_name,
        cast(products.price as decimal(18, 2)) as price,
        '{{ var("currency") }}' as currency,
        recommended.reason,
        recommended.source,
        recommended.arm,
        recommended.is_fallback,
        coalesce(products.is_sensitive, false) as is_sensitive,
        case when recommended.arm = 'personalised' then 'profiling' end as profiling_permission,
        case when recommended.arm = 'personalised' then 'personalised_recommendations' end as list_permission,
        case when products.is_sensitive then 'special_category' end as item_permission,
        recommended.score,
        recommended.propensity,
        recommended.model_version,
        as_of.as_of,
        as_of.as_of + interval '{{ var("valid_days", 8) }}' day as valid_until
    from recommended
    left join products on recommended.product_id = products.product_id
    cross join as_of
)

select * from final
