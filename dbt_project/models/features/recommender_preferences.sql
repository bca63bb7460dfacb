-- What people said of categories, brands and items, in their preferences or when the shop introduced itself, the newest
-- word on each, as known at each as-of of the recommender. Refusals have a negative weight and always count; of people who
-- are not profiled they alone do. To like what is sensitive counts only with consent to special_category: an item, a
-- category that itself holds such an item, a brand or a category at any level of nothing else.
with identifiers as (
    select * from {{ ref('recommender_identifiers') }}
),

as_ofs as (
    select * from {{ ref('recommender_as_ofs') }}
),

catalogue as (
    select * from {{ ref('recommender_catalogue') }}
),

-- An item liked or disliked in an onboarding answer: of five, 5 is much wanted, 3 says nothing, 1 is refused.
spoken as (
    select
        identifier_id,
        attribute,
        value,
        cast(weight as double) as weight,
        occurred_at,
        known_at,
        row_hash as tie
    from {{ ref('fct_preferences') }}
    where attribute in ('category', 'brand', 'product')
    union all
    select
        identifier_id,
        'product' as attribute,
        product_id as value,
        (cast(score as double) - 3) / 2 as weight,
        occurred_at,
        known_at,
        feedback_id as tie
    from {{ ref('fct_feedback') }}
    where kind = 'onboarding' and product_id is not null and score between 1 and 5
),

sensitive as (
    {{ sensitive_wishes('catalogue', 'spoken') }}
),

versions as (
    select
        identifiers.as_of_date,
        identifiers.customer_id,
        identifiers.is_profiled,
        identifiers.may_see_sensitive,
        spoken.attribute,
        spoken.value,
        spoken.weight,
        row_number() over (
            partition by identifiers.as_of_date, identifiers.customer_id, spoken.attribute, spoken.value
            order by {{ newest_word('spoken') }}, spoken.tie
        ) as newness
    from spoken
    inner join identifiers on spoken.identifier_id = identifiers.identifier_id
    inner join as_ofs
        on identifiers.as_of_date = as_ofs.as_of_date
        and spoken.occurred_at < as_ofs.as_of and spoken.known_at < as_ofs.known_before
),

final as (
    select
        versions.as_of_date,
        versions.customer_id,
        versions.attribute,
        versions.value,
        versions.weight,
        sensitive.value is not null as is_sensitive
    from versions
    left join sensitive
        on versions.as_of_date = sensitive.as_of_date
        and versions.attribute = sensitive.attribute
        and versions.value = sensitive.value
    where versions.newness = 1
        and versions.weight <> 0
        and (versions.weight < 0 or (versions.is_profiled and (versions.may_see_sensitive or sensitive.value is null)))
)

select * from final
