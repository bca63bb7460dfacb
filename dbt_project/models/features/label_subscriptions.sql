-- Whose contract still runs when the horizon after each as-of has passed, by all that is known at the scored one,
-- identities too.
with as_ofs as (
    select
        as_of_date,
        {{ day_start(add_days('as_of_date', var('horizon_days'))) }} as horizon_end,
        {{ day_start(scoring_date()) }} + interval '{{ var("knowledge_lag_hours") }}' hour as known_before
    from {{ ref('int_as_ofs') }}
),

identifiers_now as (
    select * from {{ ref('int_identifiers_now') }}
),

versions as (
    {{ visible_contract_versions('as_ofs', 'horizon_end', 'known_before') }}
),

final as (
    select distinct
        versions.as_of_date,
        identifiers_now.customer_id
    from versions
    inner join identifiers_now on versions.identifier_id = identifiers_now.identifier_id
    where versions.newness = 1 and {{ is_running('versions', 'versions.horizon_end') }}
)

select * from final
