-- What people said of categories, brands and items, the newest word on each, as known at each as-of of the recommender;
-- refusals have a negative weight, and of people who are not profiled they alone count. A sensitive category counts only
-- with consent to special_category.
with identifiers as (
    select * from {{ ref('recommender_identifiers') }}
),

as_ofs as (
    select * from {{ ref('recommender_as_ofs') }}
),

catalogue as (
    select * from {{ ref('recommender_catalogue') }} where is_sensitive
),

sensitive as (
    select as_of_date, 'category' as attribute, category_path as value from catalogue
    union
    select as_of_date, 'category' as attribute, category as value from catalogue
    union
    select as_of_date, 'product' as attribute, product_id as value from catalogue
),

versions as (
    select
        identifiers.as_of_date,
        identifiers.customer_id,
        identifiers.is_profiled,
        identifiers.may_see_sensitive,
        preferences.attribute,
        preferences.value,
        preferences.weight,
        row_number() over (
            partition by identifiers.as_of_date, identifiers.customer_id, preferences.attribute, preferences.value
            order by preferences.occurred_at desc, preferences.row_hash
        ) as newness
    from {{ ref('fct_preferences') }} as preferences
    inner join identifiers on preferences.identifier_id = identifiers.identifier_id
    inner join as_ofs
        on identifiers.as_of_date = as_ofs.as_of_date
        and preferences.occurred_at < as_ofs.as_of and preferences.known_at < as_ofs.known_before
    where preferences.attribute in ('category', 'brand', 'product')
),

final as (
    select
        versions.as_of_date,
        versions.customer_id,
        versions.attribute,
        versions.value,
        cast(versions.weight as double) as weight
    from versions
    left join sensitive
        on versions.as_of_date = sensitive.as_of_date
        and versions.attribute = sensitive.attribute
        and versions.value = sensitive.value
    where versions.newness = 1
        and versions.weight <> 0
        and (versions.is_profiled or versions.weight < 0)
        and (versions.may_see_sensitive or sensitive.value is null)
)

select * from final
