-- What each person likes: what they said first, what they bought or answered to in the last year second. Nothing sensitive is
-- a favourite, whoever permits: it is read, until the next run, without asking whether special_category still stands.
with identifiers as (
    select * from {{ ref('int_identifiers_now') }}
),

as_of as (
    select * from {{ ref('int_as_ofs') }} where as_of_date = {{ scoring_date() }}
),

catalogue as (
    select {{ scoring_date() }} as as_of_date, product_id, category_path, category, brand, is_sensitive
    from {{ ref('dim_products') }}
),

-- A channel is one to be contacted on or one to buy on.
said_versions as (
    select
        identifiers.customer_id,
        case
            when preferences.attribute <> 'channel' then preferences.attribute
            when preferences.value in ('email', 'push', 'sms', 'phone', 'post', 'in_app') then 'contact_channel'
            else 'sales_channel'
        end as attribute,
        preferences.value,
        preferences.weight,
        row_number() over (
            partition by identifiers.customer_id, preferences.attribute, preferences.value
            order by {{ newest_word('preferences') }}, preferences.row_hash
        ) as newness
    from {{ ref('fct_preferences') }} as preferences
    inner join identifiers on preferences.identifier_id = identifiers.identifier_id
    inner join as_of on preferences.occurred_at < as_of.as_of and preferences.known_at < as_of.known_before
),

sensitive as (
    {{ sensitive_wishes('catalogue', 'said_versions') }}
),

bought as (
    select
        identifiers.customer_id,
        'category' as attribute,
        products.category as value,
        sum(activity.order_lines) as order_lines
    from {{ ref('daily_product_activity') }} as activity
    inner join identifiers on activity.identifier_id = identifiers.identifier_id
    inner join catalogue as products on activity.product_id = products.product_id
    where activity.visible_from_date <= {{ scoring_date() }}
        and activity.activity_date >= {{ add_days(scoring_date(), -365) }}
        and products.category is not null
        and not products.is_sensitive
    group by 1, 2, 3
),

bought_on as (
    select
        identifiers.customer_id,
        'sales_channel' as attribute,
        lines.channel as value,
        sum(lines.line_change) as order_lines
    from {{ ref('fct_order_lines') }} as lines
    inner join identifiers on lines.identifier_id = identifiers.identifier_id
    where lines.visible_from_date <= {{ scoring_date() }} and lines.channel is not null
        and {{ local_date('lines.occurred_at') }} >= {{ add_days(scoring_date(), -365) }}
    group by 1, 2, 3
),

answered as (
    select
        identifiers.customer_id,
        'contact_channel' as attribute,
        messages.channel as value,
        count(distinct messages.message_id) as messages
    from {{ ref('fct_message_events') }} as messages
    inner join identifiers on messages.identifier_id = identifiers.identifier_id
    where messages.message_event in ('opened', 'clicked') and messages.channel is not null
        and messages.visible_from_date <= {{ scoring_date() }}
        and {{ local_date('messages.occurred_at') }} >= {{ add_days(scoring_date(), -365) }}
    group by 1, 2, 3
),

likings as (
    select said.customer_id, said.attribute, said.value, cast(said.weight as double) as weight, 1 as is_stated
    from said_versions as said
    left join sensitive on said.attribute = sensitive.attribute and said.value = sensitive.value
    where said.newness = 1 and said.weight > 0 and sensitive.value is null
    union all
    select customer_id, attribute, value, cast(order_lines as double) as weight, 0 as is_stated
    from bought
    where order_lines > 0
    union all
    select customer_id, attribute, value, cast(order_lines as double) as weight, 0 as is_stated
    from bought_on
    where order_lines > 0
    union all
    select customer_id, attribute, value, cast(messages as double) as weight, 0 as is_stated
    from answered
),

-- Refused in so many words: whatever was bought, it is no favourite.
ranked as (
    select
        likings.*,
        cast(row_number() over (
            partition by likings.customer_id, likings.attribute order by likings.is_stated desc, likings.weight desc, likings.value
        ) as integer) as preference_rank
    from likings
    left join said_versions as refused
        on likings.customer_id = refused.customer_id and likings.attribute = refused.attribute
        and likings.value = refused.value and refused.newness = 1 and refused.weight < 0
    where refused.customer_id is null
)

select * from ranked
