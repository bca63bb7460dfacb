-- To which customer of each earlier as-of counts what is done under an identifier: for amounts, each of which counts once.
-- A row of then is what we believed to be a person. Where two of them are one by now, each could foretell only what its
-- own identifiers would bring, so that is what each is given; what comes under identifiers that nobody had then goes to the
-- id that the person still bears, else to the first of theirs by name. So amounts over all rows sum to what these
-- people spent, while each of their rows is told that the person came back (customers_now).
with identifiers_now as (
    select * from {{ ref('int_identifiers_now') }}
),

identifiers_then as (
    select * from {{ ref('int_identifiers_as_of') }} where as_of_date < {{ scoring_date() }}
),

heirs as (
    select
        identifiers_then.as_of_date,
        identifiers_now.customer_id as customer_id_now,
        coalesce(
            max(case when identifiers_then.customer_id = identifiers_now.customer_id then identifiers_then.customer_id end),
            min(identifiers_then.customer_id)
        ) as customer_id
    from identifiers_then
    inner join identifiers_now on identifiers_then.identifier_id = identifiers_now.identifier_id
    group by 1, 2
),

owned as (
    select
        heirs.as_of_date,
        identifiers_now.identifier_id,
        coalesce(identifiers_then.customer_id, heirs.customer_id) as customer_id
    from identifiers_now
    inner join heirs on identifiers_now.customer_id = heirs.customer_id_now
    left join identifiers_then
        on heirs.as_of_date = identifiers_then.as_of_date and identifiers_now.identifier_id = identifiers_then.identifier_id
),

final as (
    select * from owned where {{ is_sampled('customer_id') }}
)

select * from final
