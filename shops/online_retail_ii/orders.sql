-- One invoice line is one order line. The file has no line numbers, and 1 to 9 December 2010 stand in both of its
-- sheets: lines are numbered by content within sheet and invoice, so that a line has the same number in both sheets
-- (and falls away as a duplicate) while a line that stands twice in one invoice keeps two numbers.
with landed_lines as (
    select
        file_line,
        sheet,
        "Invoice" as invoice,
        upper(trim("StockCode")) as stock_code,
        "Quantity" as quantity,
        "InvoiceDate" as invoiced_at,
        "Price" as price,
        "Customer ID" as customer,
        "Country" as country
    from landed
),

numbered as (
    select
        *,
        row_number() over (
            partition by sheet, invoice
            order by stock_code, invoiced_at, quantity, price, customer, country, file_line
        ) as line_number,
        max(price) over (partition by invoice) as highest_price
    from landed_lines
)

select
    file_line,
    invoice as order_id,
    line_number,
    -- Invoices starting with C are cancellations; their day is the day of the return.
    if(invoice like 'C%' or quantity < 0, 'return', 'sale') as line_type,
    invoiced_at as ordered_at,
    customer as account_id,
    -- Articles are five digits with up to two letters, or the house's own DCGS, PADS and SP codes. The rest is postage
    -- (POST, DOT, C2), manual entries (M), discounts (D), samples (S), fees, vouchers, adjustments and tests.
    if(regexp_full_match(stock_code, '[0-9]{5}[A-Z]{0,2}|DCGS.*|PADS|SP1002'), stock_code, null) as product_id,
    abs(quantity) as quantity,
    price as unit_price,
    case
        when price < 0 then 'adjustment of bad debt'
        when customer is null and highest_price = 0 then 'movement of stock, nobody bought or returned it'
    end as reject_reason
from numbered
