{# The two clocks. Whatever enters a feature or a profile goes through one of these two macros. #}

{# The first daily as-of that sees a fact: it happened before that day began, and was known before that
   day began plus the knowledge lag. A fact is visible to as-of D exactly if visible_from_date <= D. #}
{% macro visible_from_date(occurred_at, known_at) -%}
    greatest(
        {{ add_days(local_date(occurred_at), 1) }},
        {{ add_days(local_date(known_at ~ " - interval '" ~ var('knowledge_lag_hours') ~ "' hour"), 1) }}
    )
{%- endmacro %}

{# Whether a span of knowledge [known_from, known_to) holds just before the instant `known_before`. #}
{% macro is_known_at(known_from, known_to, known_before) -%}
    ({{ known_from }} < {{ known_before }} and {{ known_to }} >= {{ known_before }})
{%- endmacro %}

{# The as-of that is scored and published: the newest of the run. #}
{% macro scoring_date() -%}
    cast('{{ var("as_ofs") | max }}' as date)
{%- endmacro %}

{# Order of what somebody said, the word that holds first: the newest, of one instant what we learned of last, of that a
   refusal before a wish. #}
{% macro newest_word(said) -%}
    {{ said }}.occurred_at desc, {{ said }}.known_at desc, {{ said }}.weight
{%- endmacro %}
