{# What feature models are made of. Ages count whole days back from the as-of: yesterday is 1. Everything is
   summed as whole numbers, so that no thread count changes a bit. #}

{# Sum of a whole-numbered measure over the last `days` days. Doubles add such numbers exactly, whatever their order,
   and DuckDB adds them in two thirds of the time that whole numbers take. #}
{% macro in_window(measure, days) -%}
    sum(case when age_days <= {{ days }} then cast({{ measure }} as double) else 0e0 end)
{%- endmacro %}

{# a / b, null where b is not positive. #}
{% macro ratio(a, b) -%}
    case when {{ b }} > 0 then cast({{ a }} as double) / cast({{ b }} as double) end
{%- endmacro %}

{# Whole millionths of a number, which add up to the same sum in any order. #}
{% macro millionths(value) -%}
    cast(round(({{ value }}) * 1000000e0) as bigint)
{%- endmacro %}

{# Pace of the recent days against the days before them in a longer window; 1 is as before, half an
   occurrence on both sides keeps it finite. #}
{% macro trend(recent, recent_days, whole, whole_days) -%}
    ({{ recent }} + 0.5e0)
        / (({{ whole }} - {{ recent }}) * ({{ recent_days }}e0 / {{ whole_days - recent_days }}e0) + 0.5e0)
{%- endmacro %}

{# Number of different values of a small whole number, 0 to 62, without a distinct. #}
{% macro distinct_small(value) %}{{ return(adapter.dispatch('distinct_small')(value)) }}{% endmacro %}
{% macro duckdb__distinct_small(value) %}{{ return("cast(coalesce(bit_count(bit_or(cast(1 as bigint) << (" ~ value ~ "))), 0) as double)") }}{% endmacro %}
{% macro spark__distinct_small(value) %}{{ return("cast(coalesce(bit_count(bit_or(shiftleft(cast(1 as bigint), " ~ value ~ "))), 0) as double)") }}{% endmacro %}

{# Whole days divided without rest: the number of the week or month back. #}
{% macro periods_back(age_days, length) %}{{ return(adapter.dispatch('periods_back')(age_days, length)) }}{% endmacro %}
{% macro duckdb__periods_back(age_days, length) %}{{ return("cast(" ~ age_days ~ " // " ~ length ~ " as integer)") }}{% endmacro %}
{% macro spark__periods_back(age_days, length) %}{{ return("cast(" ~ age_days ~ " div " ~ length ~ " as integer)") }}{% endmacro %}

{# Whether a customer is in the hashed sample that trains: the same customers in every snapshot and every engine. #}
{% macro is_sampled(customer_id) -%}
    {%- set limit = (var('training_share', 1.0) * 4294967296) | int -%}
    {%- if limit >= 4294967296 %}true{% else %}substr(md5({{ customer_id }}), 1, 8) < '{{ '%08x' | format(limit) }}'{% endif -%}
{%- endmacro %}

{# What churn is told from: a purchase, or any activity. #}
{% macro churn_activity() -%}
    {{ 'events' if var('churn_activity') == 'events' else 'orders' }}
{%- endmacro %}
