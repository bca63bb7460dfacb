{# One fact per instant of a row that has several: the first version in which that instant is filled.
   `instants` maps the column that holds the instant to what happened then. #}
{% macro facts_by_instant(relation, key, kind, instants, columns) %}
    {%- for instant, what in instants.items() %}
    select
        {{ key }},
        '{{ what }}' as {{ kind }},
        identifier_id,
        {% for column in columns %}{{ column }},
        {% endfor -%}
        {{ instant }} as occurred_at,
        greatest(known_at, {{ instant }}) as known_at,
        row_number() over (partition by {{ key }} order by known_at, row_hash) as version_number
    from {{ relation }}
    where {{ instant }} is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{% endmacro %}
