-- What each person permits at the scored as-of, one row with a flag for each purpose that readers ask for.
with permissions as (
    select * from {{ ref('customer_permissions') }}
),

final as (
    select
        customer_id,
        max(case when purpose = 'service' and is_granted then 1 else 0 end) = 1 as may_serve,
        max(case when purpose = 'marketing' and channel = 'email' and is_granted then 1 else 0 end) = 1 as may_email,
        max(case when purpose = 'marketing' and channel = 'push' and is_granted then 1 else 0 end) = 1 as may_push,
        max(case when purpose = 'marketing' and channel = 'sms' and is_granted then 1 else 0 end) = 1 as may_sms,
        max(case when purpose = 'marketing' and channel = 'phone' and is_granted then 1 else 0 end) = 1 as may_call,
        max(case when purpose = 'profiling' and is_granted then 1 else 0 end) = 1 as may_profile,
        max(case when purpose = 'personalised_recommendations' and is_granted then 1 else 0 end) = 1 as may_personalise,
        max(case when purpose = 'ad_audiences' and is_granted then 1 else 0 end) = 1 as may_target_ads
    from permissions
    group by 1
)

select * from final
