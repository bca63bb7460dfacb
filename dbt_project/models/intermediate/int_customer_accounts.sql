-- The accounts of each person as known at the scored as-of, the newest version of each; the oldest account leads.
with identifiers as (
    select * from {{ ref('int_identifiers_now') }}
),

as_of as (
    select * from {{ ref('int_as_ofs') }} where as_of_date = {{ scoring_date() }}
),

versions as (
    select
        identifiers.customer_id,
        accounts.*,
        row_number() over (
            partition by accounts.account_id order by accounts.occurred_at desc, accounts.known_at desc, accounts.row_hash
        ) as newness
    from {{ ref('stg_customers') }} as accounts
    inner join identifiers on accounts.identifier_id = identifiers.identifier_id
    inner join as_of on accounts.occurred_at < as_of.as_of and accounts.known_at < as_of.known_before
),

ranked as (
    select
        customer_id,
        account_id,
        region,
        country,
        language,
        signed_up_at,
        acquisition_channel,
        loyalty_tier,
        cast(row_number() over (partition by customer_id order by coalesce(signed_up_at, occurred_at), account_id) as integer) as account_rank
    from versions
    where newness = 1
)

select * from ranked
