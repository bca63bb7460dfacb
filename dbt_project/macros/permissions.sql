{# Every purpose that a customer decides on, by channel where it has channels, and whether the shop assumes it. #}
{% macro permission_questions() -%}
    {%- for purpose, channel in [
        ('service', none), ('marketing', 'email'), ('marketing', 'push'), ('marketing', 'sms'), ('marketing', 'phone'),
        ('profiling', none), ('personalised_recommendations', none), ('ad_audiences', none), ('special_category', none)
    ] %}
    select
        '{{ purpose }}' as purpose,
        {{ "'" ~ channel ~ "'" if channel else 'cast(null as varchar(20))' }} as channel,
        {{ 'true' if purpose in var('assumed_purposes') else 'false' }} as is_assumed
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
