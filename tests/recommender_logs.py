"""Public data sets as logs for ``regulars evaluate recommender``, made from the files beside the project.

Belongs here: renaming and cleaning that each file needs. Does not belong here: figures, nor anything that the product
reads.

Usage: ``python tests/recommender_logs.py FOLDER`` writes ``online_retail_ii.parquet`` and its ``_items.parquet``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
RETAIL, TOYS = DATA / "online_retail_ii.parquet", DATA / "amazon_toys_sequences.txt"
ARTICLE = "[0-9]{5}[A-Z]{0,2}|DCGS.*|PADS|SP1002"
"""As in ``shops/online_retail_ii/orders.sql``: the rest is postage, fees, vouchers and corrections."""


def online_retail_ii(folder: Path) -> tuple[Path, Path]:
    """Sales of articles to known customers, and the articles with name and usual price."""
    folder.mkdir(parents=True, exist_ok=True)
    log, items = folder / "online_retail_ii.parquet", folder / "online_retail_ii_items.parquet"
    sales = f"""
        select distinct "Customer ID"::int::varchar as user, upper(trim("StockCode")) as item, "Invoice" as basket,
            "InvoiceDate" as time, "Price" as price, "Description" as name
        from '{RETAIL}'
        where "Customer ID" is not null and "Invoice" not like 'C%' and "Quantity" > 0
            and regexp_full_match(upper(trim("StockCode")), '{ARTICLE}')
    """
    with duckdb.connect() as connection:
        connection.execute(f"create table sales as {sales}")
        connection.execute(
            "copy (select distinct user, item, basket, time from sales order by time, user, basket, item) "
            f"to '{log}' (format parquet)"
        )
        connection.execute(
            "copy (select item, arg_max(name, lines) as name, median(price) as price from "
            "(select item, name, price, count(*) over (partition by item, name) as lines from sales) group by item "
            f"order by item) to '{items}' (format parquet)"
        )
    return log, items


if __name__ == "__main__":
    online_retail_ii(Path(sys.argv[1]))
