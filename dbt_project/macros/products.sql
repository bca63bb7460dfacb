{# Which of the versions of an item that came at one instant counts: what is sensitive or not to be had fails closed. #}
{% macro most_careful_first(products) -%}
    case when {{ products }}.is_sensitive then 0 else 1 end, case when coalesce({{ products }}.is_available, true) then 1 else 0 end, {{ products }}.row_hash
{%- endmacro %}

{# Wishes that say something which only special_category allows to use, among those spoken of (attribute, value): a sensitive
   item, a category that itself holds one, a brand or a category at any level of nothing else; as known at each as-of of the
   catalogue. #}
{% macro sensitive_wishes(catalogue, spoken) -%}
    select as_of_date, 'product' as attribute, product_id as value
    from {{ catalogue }}
    where is_sensitive
    union all
    select as_of_date, 'brand' as attribute, brand as value
    from {{ catalogue }}
    where brand is not null
    group by as_of_date, brand
    having min(case when is_sensitive then 1 else 0 end) = 1
    union all
    select paths.as_of_date, 'category' as attribute, named.value
    from (select distinct value from {{ spoken }} where attribute = 'category') as named
    inner join (
        select
            as_of_date,
            category_path,
            min(case when is_sensitive then 1 else 0 end) as all_are_sensitive,
            max(case when is_sensitive then 1 else 0 end) as some_are_sensitive
        from {{ catalogue }}
        where category_path is not null
        group by as_of_date, category_path
    ) as paths on left(paths.category_path || ' > ', length(named.value || ' > ')) = named.value || ' > '
    group by paths.as_of_date, named.value
    having min(paths.all_are_sensitive) = 1
        or max(case when paths.category_path = named.value then paths.some_are_sensitive else 0 end) = 1
{%- endmacro %}
