-- What became of each ticket, one row per instant; a rating is known when it is given, not when the ticket was opened.
with tickets as (
    select * from {{ ref('stg_support_tickets') }}
),

instants as (
    {{ facts_by_instant(
        'tickets', 'ticket_id', 'ticket_event',
        {'opened_at': 'opened', 'resolved_at': 'resolved', 'rated_at': 'rated'},
        ['category', 'contacts', 'csat']
    ) }}
),

first_versions as (
    select *, max(case when ticket_event = 'opened' then occurred_at end) over (partition by ticket_id) as opened_at
    from instants
    where version_number = 1
),

-- Dated when the ticket was opened, a resolution is summed with the openings of any window.
with_closings as (
    select ticket_id, ticket_event, identifier_id, category, contacts, csat, occurred_at, known_at from first_versions
    union all
    select ticket_id, 'closed', identifier_id, category, contacts, csat, opened_at, known_at from first_versions
    where ticket_event = 'resolved' and opened_at is not null
),

final as (
    select
        ticket_id,
        ticket_event,
        identifier_id,
        category,
        case when ticket_event = 'resolved' then contacts end as contacts,
        case when ticket_event = 'rated' then csat end as csat,
        occurred_at,
        known_at,
        {{ visible_from_date('occurred_at', 'known_at') }} as visible_from_date
    from with_closings
)

select * from final
