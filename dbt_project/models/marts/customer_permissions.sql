-- What stands permitted at the scored as-of, by purpose and channel. Fails closed: without a standing grant,
-- or where two decisions of one instant disagree, it is refused.
with identifiers as (
    select * from {{ ref('int_identifiers_now') }}
),

as_of as (
    select * from {{ ref('int_as_ofs') }} where as_of_date = {{ scoring_date() }}
),

customers as (
    select distinct customer_id from identifiers
),

-- Adults only may have a purpose assumed; whoever did not state an age counts as one.
minors as (
    select distinct identifiers.customer_id
    from {{ ref('stg_customers') }} as accounts
    inner join identifiers on accounts.identifier_id = identifiers.identifier_id
    inner join as_of on accounts.known_at < as_of.known_before
    where accounts.adult_from_date > as_of.as_of_date
),

-- What several people share refuses for each of them, and grants nothing to anybody.
voices as (
    select identifier_id, customer_id, true as may_grant from identifiers
    union all
    select identifier_id, customer_id, false as may_grant from {{ ref('int_shared_identifiers') }}
),

questions as (
    {{ permission_questions() }}
),

said as (
    select
        voices.customer_id,
        consents.purpose,
        consents.channel,
        case when consents.decision = 'granted' and voices.may_grant then consents.occurred_at end as granted_at,
        case when consents.decision = 'withdrawn' then consents.occurred_at end as withdrawn_at
    from {{ ref('fct_consents') }} as consents
    inner join voices on consents.identifier_id = voices.identifier_id
    inner join as_of on consents.occurred_at < as_of.as_of and consents.known_at < as_of.known_before
    union all
    -- Which of them asked to be erased is not known, so nothing is permitted of any, until they say so anew.
    select requests.customer_id, questions.purpose, questions.channel, null as granted_at, requests.occurred_at as withdrawn_at
    from {{ ref('int_shared_erasure_requests') }} as requests
    cross join questions
),

-- A decision for all channels speaks for each of them; the newest word counts.
answers as (
    select
        said.customer_id,
        questions.purpose,
        questions.channel,
        max(said.granted_at) as granted_at,
        max(said.withdrawn_at) as withdrawn_at
    from said
    inner join questions on said.purpose = questions.purpose
    where said.channel is null or questions.channel is null or said.channel = questions.channel
    group by 1, 2, 3
),

asked as (
    select
        customers.customer_id,
        questions.purpose,
        questions.channel,
        questions.is_assumed and minors.customer_id is null as is_assumed
    from customers
    cross join questions
    left join minors on customers.customer_id = minors.customer_id
),

final as (
    select
        asked.customer_id,
        asked.purpose,
        asked.channel,
        case
            when answers.withdrawn_at is null and answers.granted_at is null then asked.is_assumed
            when answers.withdrawn_at is null then true
            else coalesce(answers.granted_at > answers.withdrawn_at, false)
        end as is_granted
    from asked
    left join answers
        on asked.customer_id = answers.customer_id
        and asked.purpose = answers.purpose
        and coalesce(asked.channel, '') = coalesce(answers.channel, '')
)

select * from final
