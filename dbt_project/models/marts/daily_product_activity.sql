-- What was bought, once per identifier, item, day and the as-of from which it is visible. The first row of a day on which
-- the item stands brings the day, the one that cancels the last of it takes the day back.
with lines as (
    select * from {{ ref('fct_order_lines') }}
),

buckets as (
    select
        identifier_id,
        product_id,
        {{ local_date('occurred_at') }} as activity_date,
        visible_from_date,
        cast(sum(line_change) as bigint) as order_lines,
        cast(sum(amount_change_cents) as bigint) as spend_cents
    from lines
    where identifier_id is not null and product_id is not null
    group by 1, 2, 3, 4
),

standing as (
    select
        *,
        sum(order_lines) over (
            partition by identifier_id, product_id, activity_date order by visible_from_date
            rows between unbounded preceding and current row
        ) as lines_standing
    from buckets
),

final as (
    select
        identifier_id,
        product_id,
        activity_date,
        visible_from_date,
        order_lines,
        spend_cents,
        cast(
            case when lines_standing > 0 then 1 else 0 end - case when lines_standing - order_lines > 0 then 1 else 0 end
            as integer
        ) as day_change
    from standing
)

select * from final
