"""The mapping of CDNOW on invented rows; on the real file where it lies beside the project."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from conftest import NOW, Door

from orchestration.landing import land
from orchestration.settings import PROJECT_ROOT
from orchestration.shop import Shop, load_shop


def test_a_customers_day_is_an_order_and_its_rows_are_lines_numbered_by_content(make_door: Callable[..., Door]) -> None:
    door = make_door({"orders": {"files": "c*", "history": True}}, time_zone="America/New_York", currency="USD")
    (door.folder / "orders.sql").write_text((PROJECT_ROOT / "shops" / "cdnow" / "orders.sql").read_text())
    rows = "(2, 19970112, 5, 77.0), (2, 19970112, 1, 12.0), (3, 19970102, 2, 20.76), (3, 19970102, 2, 20.76)"
    door.put_parquet("c.parquet", f"from (values {rows}) t(customer_id, date, number_of_cds, dollar_value)")
    (orders,) = door.land().landed
    assert (orders.rows_in, orders.accepted) == (4, 4)
    told = "order_id, line_number, account_id, quantity::int, unit_price::double, occurred_at::varchar, currency"
    assert door.rows("orders", told) == [
        ("2-19970112", 1, "2", 1, 12.0, "1997-01-12 05:00:00", "USD"),
        ("2-19970112", 2, "2", 5, 15.4, "1997-01-12 05:00:00", "USD"),
        ("3-19970102", 1, "3", 2, 10.38, "1997-01-02 05:00:00", "USD"),
        ("3-19970102", 2, "3", 2, 10.38, "1997-01-02 05:00:00", "USD"),
    ]


@pytest.fixture
def real() -> Shop:
    shop = load_shop(PROJECT_ROOT / "shops", "cdnow")
    if not (PROJECT_ROOT / str(shop.landing) / "cdnow_master.parquet").exists():
        pytest.skip(f"the data set is not at {shop.landing}")
    return shop


def test_the_real_file_lands_whole_and_gives_the_cohort_of_the_literature(real: Shop, tmp_path: Path) -> None:
    door = Door(tmp_path, {"orders": {"files": "none"}}, threads=2)
    report = land(real, door.state, PROJECT_ROOT / str(real.landing), now=NOW, settle_seconds=0, connect=door.connect)
    assert [(batch.rows_in, batch.accepted) for batch in report.landed] == [(69_659, 69_659)]
    (path,) = door.state.raw.glob("orders/*/rows.parquet")
    customers, first, newest_first, last = duckdb.execute(
        """
        with cohort as (select account_id, min(ordered_at) as first_at, max(ordered_at) as last_at
            from read_parquet($1) group by 1)
        select count(*), min(first_at)::date::varchar, max(first_at)::date::varchar, max(last_at)::date::varchar
        from cohort
        """,
        [str(path)],
    ).fetchall()[0]
    assert (customers, first, newest_first, last) == (23_570, "1997-01-01", "1997-03-25", "1998-06-30")
