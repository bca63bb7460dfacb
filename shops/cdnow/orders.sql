-- One row is what a customer bought on a day; the file has no order numbers, so a customer's day is an order. Several rows
-- of one day are its lines, numbered by content: the file in another order gives the same numbers.
with told as (
    select
        file_line,
        customer_id::varchar as account_id,
        strptime("date"::varchar, '%Y%m%d') as ordered_at,
        number_of_cds,
        dollar_value
    from landed
)

select
    file_line,
    account_id || '-' || strftime(ordered_at, '%Y%m%d') as order_id,
    row_number() over (
        partition by account_id, ordered_at
        order by number_of_cds, dollar_value, file_line
    ) as line_number,
    ordered_at,
    account_id,
    number_of_cds as quantity,
    -- The value is that of the whole row.
    dollar_value / number_of_cds as unit_price,
    'web' as channel
from told
