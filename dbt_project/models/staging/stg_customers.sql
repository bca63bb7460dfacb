with source as (
    select * from {{ source('raw', 'customers') }}
),

identified as (
    select
        {{ row_identifier('customers') }} as identifier_id,
        account_id,
        region,
        country,
        language,
        cast(birth_date + interval '18' year as date) as adult_from_date,
        signed_up_at,
        acquisition_channel,
        loyalty_tier,
        occurred_at,
        known_at,
        row_hash
    from source
)

select * from identified
