-- Everything that features count, once per identifier, day and the as-of from which it is visible. Windows
-- of any length come from here, never from a rescan of raw rows. Whole numbers only (what has three decimals in thousandths), so sums are exact.
{%- set sources = {
    'fct_order_lines': {
        'orders': 'sum(order_change)',
        'order_lines': 'sum(line_change)',
        'units': sum_of_thousandths('quantity_change'),
        'spend_cents': 'sum(amount_change_cents)',
        'discount_cents': 'sum(discount_change_cents)',
    },
    'fct_returns': {'returns': 'sum(line_change)', 'returned_cents': 'sum(amount_change_cents)'},
    'fct_events': {
        'events': 'count(*)',
        'sessions': count_if('is_session_start'),
        'product_views': count_if("event_type = 'product_view'"),
        'searches': count_if("event_type = 'search'"),
        'carts': count_if("event_type = 'add_to_cart'"),
    },
    'fct_message_events': {
        'messages_sent': count_if("message_event = 'sent'"),
        'messages_opened': count_if("message_event = 'opened'"),
        'messages_clicked': count_if("message_event = 'clicked'"),
        'messages_bounced': count_if("message_event = 'bounced'"),
        'complaints': count_if("message_event = 'complained'"),
        'unsubscribes': count_if("message_event = 'unsubscribed'"),
    },
    'fct_ticket_events': {
        'tickets_opened': count_if("ticket_event = 'opened'"),
        'tickets_closed': count_if("ticket_event = 'closed'") ~ ' - ' ~ count_if("ticket_event = 'reopened'"),
        'ticket_contacts': "coalesce(sum(contacts), 0)",
        'ticket_ratings': "count(csat)",
        'ticket_rating_points': "coalesce(sum(csat), 0)",
    },
    'fct_feedback': {
        'nps_answers': count_if("kind = 'nps' and score is not null"),
        'nps_points': sum_of_thousandths("case when kind = 'nps' then score end"),
        'reviews': count_if("kind = 'review' and score is not null"),
        'review_points': sum_of_thousandths("case when kind = 'review' then score end"),
    },
    'fct_rewards': {
        'points_earned': sum_of_thousandths("case when points_change > 0 then points_change end"),
        'points_spent': sum_of_thousandths("case when change_type = 'spent' then -points_change end"),
    },
} %}
{%- set measures = [] %}
{%- for own in sources.values() %}{% for measure in own %}{% do measures.append(measure) %}{% endfor %}{% endfor %}

with stacked as (
    {%- for fact, own in sources.items() %}
    select
        identifier_id,
        {{ local_date('occurred_at') }} as activity_date,
        visible_from_date,
        {{- stacked_measures(measures, own) }}
    from {{ ref(fact) }}
    where identifier_id is not null
    group by 1, 2, 3
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

buckets as (
    select
        identifier_id,
        activity_date,
        visible_from_date,
        {%- for measure in measures %}
        cast(sum({{ measure }}) as bigint) as {{ measure }}{{ ',' if not loop.last }}
        {%- endfor %}
    from stacked
    group by 1, 2, 3
)

select * from buckets
