-- Whose contract still runs at the end of each 30 days after each as-of, by all that is known at the scored one,
-- identities too. One row for each end of a period, however many as-ofs share it.
with due as (
    select * from {{ ref('label_due_periods') }}
),

ends as (
    select distinct
        period_end_date as as_of_date,
        {{ day_start('period_end_date') }} as period_end,
        {{ day_start(scoring_date()) }} + interval '{{ var("knowledge_lag_hours") }}' hour as known_before
    from due
),

identifiers_now as (
    select * from {{ ref('int_identifiers_now') }}
),

versions as (
    {{ visible_contract_versions('ends', 'period_end', 'known_before') }}
),

final as (
    select distinct
        versions.as_of_date as period_end_date,
        identifiers_now.customer_id
    from versions
    inner join identifiers_now on versions.identifier_id = identifiers_now.identifier_id
    where versions.newness = 1 and {{ is_running('versions', 'versions.period_end') }}
)

select * from final
