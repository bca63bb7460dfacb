{# Measures of one bucket model: {name: expression over the rows of one source}. Buckets of several
   sources are stacked with zeros for the measures that a source does not have, then summed. #}
{% macro stacked_measures(all_measures, own) %}
    {%- for measure in all_measures %}
        cast({{ own.get(measure, '0') }} as bigint) as {{ measure }}{{ ',' if not loop.last }}
    {%- endfor %}
{% endmacro %}

{% macro count_if(condition) %}sum(case when {{ condition }} then 1 else 0 end){% endmacro %}

{# Sum of a measure of three decimals as a whole number, 0 of nothing. #}
{% macro sum_of_thousandths(measure) %}coalesce(sum(cast(round({{ measure }} * 1000, 0) as bigint)), 0){% endmacro %}
