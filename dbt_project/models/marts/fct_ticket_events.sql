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
    select ticket_id, ticket_event, identifier_id, category, contacts, csat, occurred_at, known_at
    from instants
    where version_number = 1
),

versions as (
    select *, lag(resolved_at) over course as resolved_before
    from tickets
    window course as (
        partition by ticket_id order by known_at, case when resolved_at is null then 0 else 1 end, row_hash
    )
),

-- The newest version says whether a ticket is open. Dated when it was opened, each change is summed with the openings of
-- any window.
changes as (
    select
        versions.ticket_id,
        case when versions.resolved_at is not null then 'closed' else 'reopened' end as ticket_event,
        versions.identifier_id,
        versions.category,
        versions.contacts,
        versions.csat,
        first_versions.occurred_at,
        greatest(versions.known_at, coalesce(versions.resolved_at, versions.resolved_before)) as known_at
    from versions
    inner join first_versions on versions.ticket_id = first_versions.ticket_id and first_versions.ticket_event = 'opened'
    where (versions.resolved_at is null) <> (versions.resolved_before is null)
),

every as (
    select * from first_versions
    union all
    select * from changes
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
    from every
)

select * from final
