{# Hundredths of a currency as its decimal. #}
{% macro decimal_of(cents) -%}
    cast({{ cents }} / cast(100 as decimal(18, 2)) as decimal(18, 2))
{%- endmacro %}

{# Quantity times price in hundredths of the shop's currency, rounded once; every step stays an exact decimal. #}
{% macro cents(quantity, price, rate) -%}
    cast(round(
        cast(cast({{ quantity }} as decimal(18, 3)) * cast({{ price }} as decimal(18, 4)) as decimal(22, 7))
        * cast(coalesce({{ rate }}, 1) as decimal(12, 8)) * cast(100 as decimal(3, 0)), 0
    ) as bigint)
{%- endmacro %}

{# A price in the shop's currency, to its four places; every step stays an exact decimal. #}
{% macro converted(price, rate) -%}
    cast(round(cast({{ price }} as decimal(18, 4)) * cast(coalesce({{ rate }}, 1) as decimal(12, 8)), 4) as decimal(18, 4))
{%- endmacro %}
