{# Which identifiers each touchpoint carries, strongest first: a row speaks for the strongest it has. #}
{% macro touchpoint_identifiers(touchpoint) %}
    {% set carried = {
        'customers': ['account', 'loyalty_card', 'email', 'phone'],
        'orders': ['account', 'loyalty_card', 'email', 'phone', 'cookie'],
        'events': ['account', 'email', 'device', 'cookie'],
        'subscriptions': ['account'],
        'rewards': ['account', 'loyalty_card'],
        'support_tickets': ['account', 'email'],
        'feedback': ['account', 'email'],
        'preferences': ['account', 'email'],
        'messages': ['account', 'email', 'phone'],
        'consents': ['account', 'email', 'phone'],
        'erasure_requests': ['account', 'email', 'phone'],
    } %}
    {{ return(carried[touchpoint]) }}
{% endmacro %}

{# Column that holds an identifier of a type. #}
{% macro identifier_column(type) %}
    {{ return(type ~ ('_token' if type in ('email', 'phone') else '_id')) }}
{% endmacro %}

{# '<type>:<value>' of one identifier; null where the row lacks it. #}
{% macro identifier(type) -%}
    '{{ type }}:' || {{ identifier_column(type) }}
{%- endmacro %}

{# The identifier that a row of a touchpoint speaks for. #}
{% macro row_identifier(touchpoint) -%}
    coalesce({% for type in touchpoint_identifiers(touchpoint) %}{{ identifier(type) }}{{ ', ' if not loop.last }}{% endfor %}
    {%- if touchpoint_identifiers(touchpoint) | length == 1 %}, null{% endif %})
{%- endmacro %}

{# Whom each customer of an as-of turned out to be: each person of today who carries an identifier of theirs. #}
{% macro customers_now() -%}
select distinct
    identifiers_then.as_of_date,
    identifiers_then.customer_id,
    identifiers_now.customer_id as customer_id_now
from {{ ref('snapshot_identifiers') }} as identifiers_then
inner join {{ ref('int_identifiers_now') }} as identifiers_now
    on identifiers_then.identifier_id = identifiers_now.identifier_id
{%- endmacro %}
