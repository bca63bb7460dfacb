-- Who gets a list at each as-of of the recommender: everybody with activity or a contract at the scored one, profiled people
-- at the earlier ones. The segment is what popularity is counted by: country, and how they have bought so far.
with as_ofs as (
    select * from {{ ref('recommender_as_ofs') }}
),

identifiers as (
    select * from {{ ref('recommender_identifiers') }}
),

touched as (
    select identifier_id, visible_from_date, activity_date, orders, 0 as is_contract from {{ ref('daily_activity') }}
    union all
    select
        identifier_id,
        {{ visible_from_date('occurred_at', 'greatest(known_at, occurred_at)') }} as visible_from_date,
        {{ local_date('occurred_at') }} as activity_date,
        0 as orders,
        1 as is_contract
    from {{ ref('stg_subscriptions') }}
),

activity as (
    select
        identifiers.as_of_date,
        identifiers.customer_id,
        max(case when identifiers.is_profiled then 1 else 0 end) = 1 as is_profiled,
        max(case when identifiers.may_personalise then 1 else 0 end) = 1 as may_personalise,
        max(case when identifiers.may_see_sensitive then 1 else 0 end) = 1 as may_see_sensitive,
        max(case when daily.orders > 0 then daily.activity_date end) as last_order_date,
        sum(daily.orders) as orders
    from touched as daily
    inner join identifiers
        on daily.identifier_id = identifiers.identifier_id
        and daily.visible_from_date <= identifiers.as_of_date
        and (daily.is_contract = 1 or daily.activity_date >= {{ add_days('identifiers.as_of_date', '-' ~ var('lookback_days')) }})
    where identifiers.is_profiled or identifiers.as_of_date = {{ scoring_date() }}
    group by 1, 2
),

accounts as (
    select
        identifiers.as_of_date,
        identifiers.customer_id,
        accounts.country,
        row_number() over (
            partition by identifiers.as_of_date, identifiers.customer_id
            order by accounts.occurred_at desc, accounts.known_at desc, accounts.row_hash
        ) as newness
    from {{ ref('stg_customers') }} as accounts
    inner join identifiers on accounts.identifier_id = identifiers.identifier_id
    inner join as_ofs
        on identifiers.as_of_date = as_ofs.as_of_date
        and accounts.occurred_at < as_ofs.as_of and accounts.known_at < as_ofs.known_before
    where accounts.country is not null
),

-- Without permission to profile a row says nothing of the person.
final as (
    select
        activity.as_of_date,
        activity.customer_id,
        case when activity.is_profiled then coalesce(accounts.country, '') || '/' || case
            when coalesce(activity.orders, 0) <= 0 then 'prospect'
            when {{ days_between('activity.last_order_date', 'activity.as_of_date') }} > {{ var('active_days') }} then 'lapsed'
            when activity.orders = 1 then 'one order'
            when activity.orders < 5 then 'some orders'
            else 'many orders'
        end end as segment,
        activity.is_profiled,
        activity.may_personalise,
        activity.may_see_sensitive
    from activity
    left join accounts
        on activity.as_of_date = accounts.as_of_date and activity.customer_id = accounts.customer_id and accounts.newness = 1
)

select * from final
