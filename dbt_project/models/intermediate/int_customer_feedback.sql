-- The last word of each person on how they like it, and their open tickets, at the scored as-of.
with identifiers as (
    select * from {{ ref('int_identifiers_now') }}
),

words as (
    select identifier_id, 'nps' as kind, cast(score as double) as score, occurred_at, feedback_id as word_id
    from {{ ref('fct_feedback') }}
    where kind = 'nps' and score is not null and visible_from_date <= {{ scoring_date() }}
    union all
    select identifier_id, 'csat' as kind, cast(csat as double) as score, occurred_at, ticket_id as word_id
    from {{ ref('fct_ticket_events') }}
    where ticket_event = 'rated' and csat is not null and visible_from_date <= {{ scoring_date() }}
),

ranked as (
    select
        identifiers.customer_id,
        words.kind,
        words.score,
        row_number() over (
            partition by identifiers.customer_id, words.kind order by words.occurred_at desc, words.word_id desc
        ) as newness
    from words
    inner join identifiers on words.identifier_id = identifiers.identifier_id
),

last_words as (
    select
        customer_id,
        max(case when kind = 'nps' then score end) as last_nps_score,
        max(case when kind = 'csat' then score end) as last_csat_score
    from ranked
    where newness = 1
    group by 1
),

open_tickets as (
    select
        identifiers.customer_id,
        sum(case when tickets.ticket_event in ('opened', 'reopened') then 1 when tickets.ticket_event = 'closed' then -1 else 0 end) as tickets_open_count
    from {{ ref('fct_ticket_events') }} as tickets
    inner join identifiers on tickets.identifier_id = identifiers.identifier_id
    where tickets.visible_from_date <= {{ scoring_date() }}
    group by 1
),

final as (
    select
        coalesce(last_words.customer_id, open_tickets.customer_id) as customer_id,
        last_words.last_nps_score,
        last_words.last_csat_score,
        cast(greatest(coalesce(open_tickets.tickets_open_count, 0), 0) as bigint) as tickets_open_count
    from last_words
    full outer join open_tickets on last_words.customer_id = open_tickets.customer_id
)

select * from final
