{# Every version of a contract that can be seen at an instant of each as-of, `newness` 1 the one that holds then: it
   happened before `happened_before` and was known before `known_before`, two columns of the relation `as_ofs`. `versions`
   may name a relation that knows more of them. #}
{% macro visible_contract_versions(as_ofs, happened_before, known_before, versions=none) -%}
    select
        {{ as_ofs }}.*,
        subscriptions.*,
        row_number() over (
            partition by {{ as_ofs }}.as_of_date, subscriptions.subscription_id
            order by subscriptions.occurred_at desc, subscriptions.known_at desc, subscriptions.row_hash
        ) as newness
    from {{ versions or ref('stg_subscriptions') }} as subscriptions
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

{# Months of a billing period; a week has none. #}
{% macro period_months(billing_period) -%}
    case {{ billing_period }} when 'month' then 1 when 'quarter' then 3 when 'year' then 12 end
{%- endmacro %}

{# How many of the dates anchor, anchor + 1 period, anchor + 2 periods … lie before a day; dates before the anchor count
   backwards. Months are those of the calendar, clamped to their last day: one after the 31st of January is the 28th of
   February. Whatever the length of a month, its date lies before `day` exactly if its number in the month does. #}
{% macro periods_before(anchor_date, day, billing_period, by_days) -%}
    cast(1 + floor(
        case when {{ by_days }} or {{ billing_period }} = 'week'
            then ({{ days_between(anchor_date, day) }} - 1) / cast({{ period_days(billing_period) }} as double)
            else (
                12 * (year({{ day }}) - year({{ anchor_date }})) + month({{ day }}) - month({{ anchor_date }})
                - case when day({{ anchor_date }}) < day({{ day }}) then 0 else 1 end
            ) / cast({{ period_months(billing_period) }} as double)
        end
    ) as integer)
{%- endmacro %}

{# Whether a day is whole periods after an anchor; null where one of them is unknown. #}
{% macro is_period_after(anchor_date, day, billing_period, by_days) -%}
    ({{ periods_before(anchor_date, add_days(day, 1), billing_period, by_days) }} > {{ periods_before(anchor_date, day, billing_period, by_days) }})
{%- endmacro %}

{# Every version of a contract with its days, and whether it renews whole periods after its start: by days, by the
   calendar, perhaps by both. #}
{% macro dated_contract_versions() -%}
    select
        *,
        {{ is_period_after('started_date', 'renewal_date', 'billing_period', 'true') }} as renews_by_days,
        {{ is_period_after('started_date', 'renewal_date', 'billing_period', 'false') }} as renews_by_calendar
    from (
        select *, {{ local_date('started_at') }} as started_date, {{ local_date('renews_at') }} as renewal_date
        from {{ ref('stg_subscriptions') }}
    ) as dated
{%- endmacro %}

{# Visible ones of these with what tells their payment dates: `anchor_date`, whether they go `by_days`, and
   `paid_from_date`, before which there are none. A contract is paid for from its start on by the calendar, as long as it
   renews on dates that agree. By days it is paid for where all its renewals are 7, 30, 91 or 365 days apart and some are
   not months of the calendar; where all may be either, as a single one may, most contracts of the shop with that period
   decide. Where a renewal agrees with neither, its date is the anchor; the
   date next to the start is then that of the first payment, though it lie up to half a period before. #}
{% macro billed_versions(versions) -%}
    {%- set contract = 'over (partition by as_of_date, subscription_id, billing_period)' -%}
    {%- set all_by_days = 'min(case when renews_by_days then 1 when not renews_by_days then 0 end) ' ~ contract ~ ' = 1' -%}
    {%- set all_by_calendar = 'min(case when renews_by_calendar then 1 when not renews_by_calendar then 0 end) ' ~ contract ~ ' = 1' -%}
    {%- set from_start = 'by_days or renewal_date is null or renews_by_calendar' -%}
    select
        *,
        case when {{ from_start }} then started_date else renewal_date end as anchor_date,
        case
            when {{ from_start }} then started_date
            else {{ add_days('started_date', '-' ~ periods_back(period_days('billing_period'), 2)) }}
        end as paid_from_date
    from (
        select
            *,
            coalesce(told_by_days, avg(told_by_days) over (partition by as_of_date, billing_period), 0e0) > 0.5e0 as by_days
        from (
            select *, case when {{ all_by_days }} and {{ all_by_calendar }} then null when {{ all_by_days }} then 1e0 else 0e0 end as told_by_days
            from {{ versions }}
        ) as told
    ) as decided
{%- endmacro %}

{# How many payment dates of a contract lie before a day: of one of its `billed_versions`. What was paid, what is bound
   and what falls due are differences of these numbers, so that no payment is in two of them or in none. #}
{% macro payments_before(versions, day) -%}
    case when {{ day }} > {{ versions }}.started_date
        then {{ periods_before(versions ~ '.anchor_date', day, versions ~ '.billing_period', versions ~ '.by_days') }}
            - {{ periods_before(versions ~ '.anchor_date', versions ~ '.paid_from_date', versions ~ '.billing_period', versions ~ '.by_days') }}
        else 0
    end
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
