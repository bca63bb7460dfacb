{# Every version of a contract that can be seen at an instant of each as-of, `newness` 1 the one that holds then: it
   happened before `happened_before` and was known before `known_before`, two columns of the relation `as_ofs`. #}
{% macro visible_contract_versions(as_ofs, happened_before, known_before) -%}
    select
        {{ as_ofs }}.*,
        subscriptions.*,
        row_number() over (
            partition by {{ as_ofs }}.as_of_date, subscriptions.subscription_id
            order by subscriptions.occurred_at desc, subscriptions.known_at desc, subscriptions.row_hash
        ) as newness
    from {{ ref('stg_subscriptions') }} as subscriptions
    inner join {{ as_ofs }}
        on subscriptions.occurred_at < {{ as_ofs }}.{{ happened_before }}
        and subscriptions.known_at < {{ as_ofs }}.{{ known_before }}
{%- endmacro %}

{# Whether a contract in that state runs at an instant. #}
{% macro is_running(versions, instant) -%}
    ({{ versions }}.status <> 'ended' and {{ versions }}.started_at < {{ instant }} and coalesce({{ versions }}.ended_at >= {{ instant }}, true))
{%- endmacro %}
