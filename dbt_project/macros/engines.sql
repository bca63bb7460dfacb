{# What differs between DuckDB and Spark, one macro each. Everything else is written in the SQL both share. #}

{# Calendar day in the shop's time zone of a UTC instant. #}
{% macro local_date(instant) %}{{ return(adapter.dispatch('local_date')(instant)) }}{% endmacro %}
{% macro duckdb__local_date(instant) %}{{ return("cast(timezone('" ~ var('time_zone') ~ "', timezone('UTC', " ~ instant ~ ")) as date)") }}{% endmacro %}
{% macro spark__local_date(instant) %}{{ return("cast(from_utc_timestamp(" ~ instant ~ ", '" ~ var('time_zone') ~ "') as date)") }}{% endmacro %}

{# UTC instant at which a calendar day begins in the shop's time zone; of a midnight that there is twice, because clocks
   are put back at one, the first. DuckDB takes the last of two, Spark the first. #}
{% macro day_start(day) %}{{ return(adapter.dispatch('day_start')(day)) }}{% endmacro %}
{% macro duckdb__day_start(day) %}
    {% set midnight = "cast(" ~ day ~ " as timestamp)" %}
    {% set last = "timezone('UTC', timezone('" ~ var('time_zone') ~ "', " ~ midnight ~ "))" %}
    {% set before = "timezone('" ~ var('time_zone') ~ "', timezone('UTC', " ~ last ~ " - interval '1' hour))" %}
    {{ return("(" ~ last ~ " - case when " ~ before ~ " = " ~ midnight ~ " then interval '1' hour else interval '0' hour end)") }}
{% endmacro %}
{% macro spark__day_start(day) %}{{ return("to_utc_timestamp(cast(" ~ day ~ " as timestamp), '" ~ var('time_zone') ~ "')") }}{% endmacro %}

{% macro add_days(day, days) %}{{ return(adapter.dispatch('add_days')(day, days)) }}{% endmacro %}
{% macro duckdb__add_days(day, days) %}{{ return("(" ~ day ~ " + cast(" ~ days ~ " as integer))") }}{% endmacro %}
{% macro spark__add_days(day, days) %}{{ return("date_add(" ~ day ~ ", cast(" ~ days ~ " as integer))") }}{% endmacro %}

{# Whole days from one calendar day to a later one, as a 32 bit integer. #}
{% macro days_between(earlier, later) %}{{ return(adapter.dispatch('days_between')(earlier, later)) }}{% endmacro %}
{% macro duckdb__days_between(earlier, later) %}{{ return("cast(" ~ later ~ " - " ~ earlier ~ " as integer)") }}{% endmacro %}
{% macro spark__days_between(earlier, later) %}{{ return("datediff(" ~ later ~ ", " ~ earlier ~ ")") }}{% endmacro %}
