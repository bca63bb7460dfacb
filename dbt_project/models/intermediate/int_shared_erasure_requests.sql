-- Requests to be erased, as known at the scored as-of, that name nothing but what several people share, with everybody
-- whom they may mean. The same request, delivered again with an account, names its person, and is none of these any more.
with as_of as (
    select * from {{ ref('int_as_ofs') }} where as_of_date = {{ scoring_date() }}
),

requests as (
    select requests.request_id, requests.identifier_id, requests.occurred_at
    from {{ ref('stg_erasure_requests') }} as requests
    inner join as_of on requests.occurred_at < as_of.as_of and requests.known_at < as_of.known_before
),

answered as (
    select distinct requests.request_id
    from requests
    inner join {{ ref('int_erased_identifiers') }} as erased on requests.identifier_id = erased.identifier_id
),

final as (
    select
        requests.request_id,
        shared.customer_id,
        max(requests.occurred_at) as occurred_at
    from requests
    inner join {{ ref('int_shared_identifiers') }} as shared on requests.identifier_id = shared.identifier_id
    left join answered on requests.request_id = answered.request_id
    where answered.request_id is null
    group by 1, 2
)

select * from final
