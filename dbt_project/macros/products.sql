{# Which of the versions of an item that came at one instant counts: what is sensitive or not to be had fails closed. #}
{% macro most_careful_first(products) -%}
    case when {{ products }}.is_sensitive then 0 else 1 end, case when coalesce({{ products }}.is_available, true) then 1 else 0 end, {{ products }}.row_hash
{%- endmacro %}
