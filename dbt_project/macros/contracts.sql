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

{# Days of a billing period. #}
{% macro period_days(billing_period) -%}
    case {{ billing_period }} when 'week' then 7 when 'month' then 30 when 'quarter' then 91 when 'year' then 365 end
{%- endmacro %}

{# How many billing periods of a contract began before an instant. #}
{% macro periods_begun(started_at, instant, billing_period) -%}
    (1 + case {{ billing_period }}
        when 'week' then {{ periods_back(days_between(local_date(started_at), local_date(instant ~ " - interval '1' microsecond")), 7) }}
        when 'month' then {{ whole_months(started_at, instant) }}
        when 'quarter' then {{ periods_back(whole_months(started_at, instant), 3) }}
        when 'year' then {{ periods_back(whole_months(started_at, instant), 12) }}
    end)
{%- endmacro %}

{# Lifecycle stage from contracts, in a shop without orders. Thresholds, in days:
   new          first contract within 30 days
   onboarding   first contract within 90 days
   at_risk      a payment is missing, or notice is given
   won_back     came back within 90 days with a contract after the last one had ended
   lapsed       no contract runs any more #}
{% macro contract_stage(history, as_of_date) -%}
    case
        when {{ history }}.first_started_date is null then 'prospect'
        when {{ history }}.running_count = 0 then 'lapsed'
        when {{ history }}.in_danger = 1 then 'at_risk'
        when {{ days_between(history ~ '.first_started_date', as_of_date) }} <= 30 then 'new'
        when {{ days_between(history ~ '.first_started_date', as_of_date) }} <= 90 then 'onboarding'
        when {{ history }}.last_ended_date < {{ history }}.running_since_date
            and {{ days_between(history ~ '.running_since_date', as_of_date) }} <= 90 then 'won_back'
        else 'active'
    end
{%- endmacro %}

{# Whether value is told from contracts: where churn is. #}
{% macro values_contracts() %}{{ return(var('churn_mode') == 'subscription') }}{% endmacro %}
