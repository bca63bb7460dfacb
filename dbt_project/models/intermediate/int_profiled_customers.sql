-- Who may be profiled, for every as-of of the run, by what stands permitted at the scored one: an objection
-- takes a person out of all training snapshots, whoever they were taken for at the time.
with identifiers as (
    select * from {{ ref('int_identifiers_as_of') }}
),

permitted as (
    select customer_id from {{ ref('customer_permissions') }} where purpose = 'profiling' and is_granted
),

identifiers_now as (
    select
        identifiers.identifier_id,
        case when permitted.customer_id is not null then 1 else 0 end as is_permitted
    from identifiers
    left join permitted on identifiers.customer_id = permitted.customer_id
    where identifiers.as_of_date = {{ scoring_date() }}
),

final as (
    select
        identifiers.as_of_date,
        identifiers.customer_id,
        coalesce(min(identifiers_now.is_permitted), 0) = 1 as is_profiled
    from identifiers
    left join identifiers_now on identifiers.identifier_id = identifiers_now.identifier_id
    group by 1, 2
)

select * from final
