"""The mapping of Online Retail II on invented lines; on the real file where it lies beside the project."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from conftest import NOW, Door

from orchestration.landing import land
from orchestration.settings import PROJECT_ROOT
from orchestration.shop import Shop, load_shop

LINES = [  # sheet, invoice, code, description, quantity, day, price, customer
    (1, "500000", "85048", "LIGHTS", 12, "2010-06-01 09:00", 6.95, 13085),
    (1, "500000", "85048", "LIGHTS", 12, "2010-06-01 09:00", 6.95, 13085),  # truly there twice
    (1, "500000", "85048", "lights, blue", 1, "2010-06-01 09:00", 6.95, 13085),
    (1, "500000", "POST", "POSTAGE", 1, "2010-06-01 09:00", 18.0, 13085),
    (1, "C500001", "85048", "LIGHTS", -2, "2010-06-02 09:00", 6.95, 13085),
    (1, "500002", "85048", "damaged", -9, "2010-06-03 09:00", 0.0, None),
    (1, "A500003", "B", "Adjust bad debt", 1, "2010-06-03 09:00", -900.0, None),
    (1, "500004", "79323p", "CHERRY", 4, "2010-12-03 09:00", 1.25, None),
    (1, "500004", "85048", "nan", 1, "2010-12-03 09:00", 0.0, None),  # a gift with a sale
    (2, "500004", "85048", "nan", 1, "2010-12-03 09:00", 0.0, None),  # both again in the second sheet
    (2, "500004", "79323p", "CHERRY", 4, "2010-12-03 09:00", 1.25, None),
]


@pytest.fixture
def retail(make_door: Callable[..., Door]) -> Door:
    door = make_door(
        {"orders": {"files": "r*", "history": True}, "products": {"files": "r*"}}, time_zone="Europe/London"
    )
    for touchpoint in ("orders", "products"):
        mapping = (PROJECT_ROOT / "shops" / "online_retail_ii" / f"{touchpoint}.sql").read_text()
        (door.folder / f"{touchpoint}.sql").write_text(mapping)
    values = ", ".join(str(line).replace("None", "null") for line in LINES)
    door.put_parquet(
        "r.parquet",
        'select s::varchar as sheet, i as "Invoice", c as "StockCode", d as "Description", q::bigint as "Quantity",'
        ' t::timestamp as "InvoiceDate", p::double as "Price", k::int as "Customer ID", \'UK\' as "Country" '
        f"from (values {values}) t(s, i, c, d, q, t, p, k)",
    )
    return door


def test_orders_are_sales_and_returns_with_products_or_none_and_one_line_each(retail: Door) -> None:
    orders = retail.land().landed[0]
    assert (orders.rows_in, orders.accepted, orders.duplicates, orders.quarantined) == (11, 7, 2, 2)
    assert retail.rows("orders", "order_id, line_number, line_type, product_id, quantity::int, account_id") == [
        ("500000", 1, "sale", "85048", 1, "13085"),
        ("500000", 2, "sale", "85048", 12, "13085"),
        ("500000", 3, "sale", "85048", 12, "13085"),
        ("500000", 4, "sale", None, 1, "13085"),
        ("500004", 1, "sale", "79323P", 4, None),
        ("500004", 2, "sale", "85048", 1, None),
        ("C500001", 1, "return", "85048", 2, "13085"),
    ]
    assert retail.rows("orders", "known_at = occurred_at")[0] == (True,)
    assert retail.rows("orders", "occurred_at::varchar")[0] == ("2010-06-01 08:00:00",)


def test_products_are_named_by_what_priced_lines_call_them_most_and_known_since_the_first(retail: Door) -> None:
    products = retail.land().landed[1]
    assert (products.accepted, products.quarantined) == (2, 2)
    assert retail.rows("products", "product_id, name, updated_at::varchar, known_at::varchar") == [
        ("79323P", "CHERRY", "2010-12-03 09:00:00", "2010-12-03 09:00:00"),
        ("85048", "LIGHTS", "2010-06-01 08:00:00", "2010-06-01 08:00:00"),
    ]


@pytest.fixture
def real() -> Shop:
    shop = load_shop(PROJECT_ROOT / "shops", "online_retail_ii")
    if not (PROJECT_ROOT / str(shop.landing) / "online_retail_ii.parquet").exists():
        pytest.skip(f"the data set is not at {shop.landing}")
    return shop


@pytest.mark.slow
def test_the_real_file_lands_and_gives_the_customers_of_the_yardstick(real: Shop, tmp_path: Path) -> None:
    door = Door(tmp_path, {"orders": {"files": "none"}}, threads=2)
    report = land(real, door.state, PROJECT_ROOT / str(real.landing), now=NOW, settle_seconds=0, connect=door.connect)
    assert {batch.touchpoint: (batch.rows_in, batch.accepted, batch.duplicates) for batch in report.landed} == {
        "orders": (1_067_370, 1_039_536, 22_405),
        "products": (1_067_370, 5_106, 1_056_352),
    }
    as_of = datetime(2011, 9, 8, 23, tzinfo=UTC).replace(tzinfo=None)  # 2011-09-09 00:00 in London
    (path,) = door.state.raw.glob("orders/*/rows.parquet")
    active, churned = duckdb.execute(
        """
        with bought as (
            select account_id, bool_or(occurred_at < $1) as before, bool_or(occurred_at >= $1) as after
            from read_parquet($2)
            where line_type = 'sale' and account_id is not null
                and occurred_at >= $1 - interval 365 day and occurred_at < $1 + interval 90 day
            group by account_id
        )
        select count(*), count(*) filter (where not after) from bought where before
        """,
        [as_of, str(path)],
    ).fetchall()[0]
    assert (active, churned) == (4_324, 2_144)
