-- The as-ofs of this run: a day, the instant at which it begins, and up to when we may have learned of things.
with days as (
    {%- for as_of in var('as_ofs') | sort %}
    select cast('{{ as_of }}' as date) as as_of_date
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

as_ofs as (
    select
        as_of_date,
        {{ day_start('as_of_date') }} as as_of,
        {{ day_start('as_of_date') }} + interval '{{ var("knowledge_lag_hours") }}' hour as known_before
    from days
)

select * from as_ofs
