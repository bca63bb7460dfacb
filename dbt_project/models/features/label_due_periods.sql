-- The periods of 30 days after each as-of whose outcome is known at the scored one, the first numbered 1; none where
-- churn is not told from contracts.
with as_ofs as (
    select * from {{ ref('int_as_ofs') }}
),

numbers as (
    {%- for number in range(1, var('contract_periods') + 1) %}
    select {{ number }} as period
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

periods as (
    select
        as_ofs.as_of_date,
        numbers.period,
        {{ add_days('as_ofs.as_of_date', '30 * numbers.period') }} as period_end_date
    from as_ofs
    cross join numbers
),

final as (
    select * from periods
    where {{ add_days('period_end_date', var('label_delay_days')) }} <= {{ scoring_date() }} and {{ 'true' if values_contracts() else 'false' }}
)

select * from final
