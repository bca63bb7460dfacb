-- Whose identifier it was, as known at each as-of of the recommender, and what that person permits. Permissions are
-- those that stand at the scored as-of: an objection takes a person out of what earlier as-ofs teach, too. Who asked to be
-- erased is nobody's identifier now.
with as_ofs as (
    select * from {{ ref('recommender_as_ofs') }}
),

spans as (
    select * from {{ source('identity', 'person_spans') }}
),

identifiers_now as (
    select * from {{ ref('int_identifiers_now') }}
),

permitted as (
    select
        customer_id,
        max(case when purpose = 'profiling' and is_granted then 1 else 0 end) as may_profile,
        max(case when purpose = 'personalised_recommendations' and is_granted then 1 else 0 end) as may_personalise,
        max(case when purpose = 'special_category' and is_granted then 1 else 0 end) as may_see_sensitive
    from {{ ref('customer_permissions') }}
    group by 1
),

identifiers as (
    select
        as_ofs.as_of_date,
        spans.identifier_id,
        spans.customer_id,
        identifiers_now.customer_id as customer_id_now,
        coalesce(permitted.may_profile, 0) as may_profile,
        coalesce(permitted.may_personalise, 0) as may_personalise,
        coalesce(permitted.may_see_sensitive, 0) as may_see_sensitive
    from spans
    inner join as_ofs on {{ is_known_at('spans.known_from', 'spans.known_to', 'as_ofs.known_before') }}
    inner join identifiers_now on spans.identifier_id = identifiers_now.identifier_id
    left join permitted on identifiers_now.customer_id = permitted.customer_id
),

-- One identifier whose person now objects speaks for the whole person as known then.
final as (
    select
        as_of_date,
        identifier_id,
        customer_id,
        customer_id_now,
        min(may_profile) over person = 1 as is_profiled,
        min(may_profile * may_personalise) over person = 1 as may_personalise,
        min(may_profile * may_see_sensitive) over person = 1 as may_see_sensitive
    from identifiers
    window person as (partition by as_of_date, customer_id)
)

select * from final
