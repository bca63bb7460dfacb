{# Measures of one bucket model: {name: expression over the rows of one source}. Buckets of several
   sources are stacked with zeros for the measures that a source does not have, then summed. #}
{% macro stacked_measures(all_measures, own) %}
    {%- for measure in all_measures %}
        cast({{ own.get(measure, '0') }} as bigint) as {{ measure }}{{ ',' if not loop.last }}
    {%- endfor %}
{% endmacro %}

{% macro count_if(condition) %}sum(case when {{ condition }} then 1 else 0 end){% endmacro %}
