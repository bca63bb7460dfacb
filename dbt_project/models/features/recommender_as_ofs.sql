-- The as-ofs that recommendations look from: the scored one, and where the run trains earlier ones, a horizon
-- apart, to learn from and, the last of them, to be judged at.
with days as (
    {%- for day in (var('recommender_dates') + [var('as_ofs') | max]) | unique | sort %}
    select cast('{{ day }}' as date) as as_of_date
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
