-- The file has no products of its own: an article is what order lines call it. Every line tells of its article, all
-- lines of an article the same, so that one row per article is accepted and the others are duplicates.
with told as (
    select
        file_line,
        upper(trim("StockCode")) as product_id,
        "InvoiceDate" as invoiced_at,
        -- Lines without a price carry remarks of the warehouse ("damaged", "found", "?").
        if("Price" > 0, nullif(trim("Description"), 'nan'), null) as description
    from landed
),

counted as (select product_id, description, count(*) as lines from told where description is not null group by all),

named as (
    select product_id, description as name
    from counted
    qualify row_number() over (partition by product_id order by lines desc, description) = 1
)

select
    told.file_line,
    told.product_id,
    named.name,
    min(told.invoiced_at) over (partition by told.product_id) as updated_at,
    min(told.invoiced_at) over (partition by told.product_id) as known_at,
    if(
        regexp_full_match(told.product_id, '[0-9]{5}[A-Z]{0,2}|DCGS.*|PADS|SP1002'), null,
        'no article (postage, fee, voucher, adjustment)'
    ) as reject_reason
from told
left join named using (product_id)
