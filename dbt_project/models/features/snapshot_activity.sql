-- What a customer did, said and was sent in windows before each as-of, as known at it.
{%- set windows = {
    'order_lines': (90, 365), 'units': (90, 365), 'spend_cents': (365,), 'discount_cents': (365,),
    'returns': (90, 365), 'returned_cents': (365,),
    'sessions': (7, 30, 90, 365), 'product_views': (30, 90), 'searches': (90,), 'carts': (30, 90),
    'messages_sent': (90,), 'messages_opened': (90,), 'messages_clicked': (90,), 'messages_bounced': (90,),
    'complaints': (365,), 'unsubscribes': (365,),
    'tickets_opened': (90, 365), 'ticket_contacts': (365,), 'ticket_ratings': (365,), 'ticket_rating_points': (365,),
    'nps_answers': (365,), 'nps_points': (365,), 'reviews': (365,), 'review_points': (365,),
    'points_earned': (90, 365), 'points_spent': (365,),
} %}
{%- set thousandths = ('units', 'nps_points', 'review_points', 'points_earned', 'points_spent') %}
with identifiers as (
    select * from {{ ref('snapshot_identifiers') }}
),

activity as (
    select * from {{ ref('daily_activity') }}
),

visible as (
    select
        identifiers.as_of_date,
        identifiers.customer_id,
        {{ days_between('activity.activity_date', 'identifiers.as_of_date') }} as age_days,
        activity.*
    from activity
    inner join identifiers
        on activity.identifier_id = identifiers.identifier_id
        and activity.visible_from_date <= identifiers.as_of_date
        and activity.activity_date >= {{ add_days('identifiers.as_of_date', '-' ~ var('lookback_days')) }}
),

sums as (
    select
        as_of_date,
        customer_id,
        {%- for measure, lengths in windows.items() %}{% for n in lengths %}
        {{ in_window(measure, n) }}{{ ' / 1000e0' if measure in thousandths }} as {{ measure }}_{{ n }}d,
        {%- endfor %}{% endfor %}
        cast(min(case when events > 0 then age_days end) as double) as days_since_last_event,
        {{ distinct_small('case when events > 0 and age_days <= 30 then age_days end') }} as event_days_30d,
        {{ distinct_small('case when events > 0 and age_days <= 365 then ' ~ periods_back('age_days', 7) ~ ' end') }} as event_weeks_365d,
        cast(greatest(sum(tickets_opened - tickets_closed), 0) as double) as tickets_open
    from visible
    group by 1, 2
),

final as (
    select
        *,
        {{ ratio('discount_cents_365d', '(spend_cents_365d + discount_cents_365d)') }} as discount_share_365d,
        {{ ratio('returned_cents_365d', 'spend_cents_365d') }} as returned_share_365d,
        {{ trend('sessions_30d', 30, 'sessions_90d', 90) }} as session_trend,
        {{ ratio('messages_opened_90d', 'messages_sent_90d') }} as message_open_rate_90d,
        {{ ratio('messages_clicked_90d', 'messages_sent_90d') }} as message_click_rate_90d,
        {{ ratio('ticket_rating_points_365d', 'ticket_ratings_365d') }} as ticket_rating_mean_365d,
        {{ ratio('nps_points_365d', 'nps_answers_365d') }} as nps_mean_365d,
        {{ ratio('review_points_365d', 'reviews_365d') }} as review_mean_365d
    from sums
)

select * from final
