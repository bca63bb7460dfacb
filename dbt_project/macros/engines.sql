{# What differs between DuckDB and Spark, one macro each. Everything else is written in the SQL both share. #}

{# Calendar day in the shop's time zone of a UTC instant. #}
{% macro local_date(instant) %}{{ return(adapter.dispatch('local_date')(instant)) }}{% endmacro %}
{% macro duckdb__local_date(instant) %}{{ return("cast(timezone('" ~ var('time_zone') ~ "', timezone('UTC', " ~ instant ~ ")) as date)") }}{% endmacro %}
{% macro spark__local_date(instant) %}{{ return("cast(from_utc_timestamp(" ~ instant ~ ", '" ~ var('time_zone') ~ "') as date)") }}{% endmacro %}

{# UTC instant at which a calendar day begins in the shop's time zone. #}
{% macro day_start(day) %}{{ return(adapter.dispatch('day_start')(day)) }}{% endmacro %}
{% macro duckdb__day_start(day) %}{{ return("timezone('UTC', timezone('" ~ var('time_zone') ~ "', cast(" ~ day ~ " as timestamp)))") }}{% endmacro %}
{% macro spark__day_start(day) %}{{ return("to_utc_timestamp(cast(" ~ day ~ " as timestamp), '" ~ var('time_zone') ~ "')") }}{% endmacro %}

{% macro add_days(day, days) %}{{ return(adapter.dispatch('add_days')(day, days)) }}{% endmacro %}
{% macro duckdb__add_days(day, days) %}{{ return("(" ~ day ~ " + cast(" ~ days ~ " as integer))") }}{% endmacro %}
{% macro spark__add_days(day, days) %}{{ return("date_add(" ~ day ~ ", cast(" ~ days ~ " as integer))") }}{% endmacro %}

{# Whole days from one calendar day to a later one, as a 32 bit integer. #}
{% macro days_between(earlier, later) %}{{ return(adapter.dispatch('days_between')(earlier, later)) }}{% endmacro %}
{% macro duckdb__days_between(earlier, later) %}{{ return("cast(" ~ later ~ " - " ~ earlier ~ " as integer)") }}{% endmacro %}
{% macro spark__days_between(earlier, later) %}{{ return("datediff(" ~ later ~ ", " ~ earlier ~ ")") }}{% endmacro %}
