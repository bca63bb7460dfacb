"""What odd rows of orders, visits and feedback come to in the features of their customers, computed by hand."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from worlds import corner_shop, features

AS_OF = date(2025, 7, 1)
ORDERS = """\
order_id,line_number,line_type,ordered_at,account_id,product_id,quantity,unit_price,discount,currency,status,returned_at,returned_quantity,exported_at
1,1,sale,2025-06-01 12:00,discounted,p1,1,100,20,EUR,paid,,,2025-06-01 13:00
1,1,sale,2025-06-01 12:00,discounted,p1,1,100,20,EUR,returned,2025-06-10 12:00,,2025-06-10 13:00
2,1,sale,2025-06-01 12:00,half,p1,2,50,20,EUR,returned,2025-06-10 12:00,1,2025-06-10 13:00
3,1,sale,2025-06-10 00:30,dollars,p1,1,100,0,USD,paid,,,2025-06-10 13:00
4,1,sale,2025-05-31 23:59,midnight,p1,1,10,0,EUR,paid,,,2025-06-02 13:00
4,2,sale,2025-06-01 00:01,midnight,p2,1,10,0,EUR,paid,,,2025-06-02 13:00
5,1,sale,2025-06-01 12:00,grams,p1,0.4,10,0,EUR,paid,,,2025-06-02 13:00
5,2,sale,2025-06-01 12:00,grams,p2,0.4,10,0,EUR,paid,,,2025-06-02 13:00
5,3,sale,2025-06-01 12:00,grams,p3,0.4,10,0,EUR,paid,,,2025-06-02 13:00
6,1,sale,2025-07-01 00:00,newyear,p1,1,10,0,EUR,paid,,,2025-07-01 01:00
7,1,sale,2025-06-30 23:59:59,newyear,p1,1,7,0,EUR,paid,,,2025-07-01 01:00
"""
FEEDBACK = """\
feedback_id,answered_at,kind,account_id,score,exported_at
f1,2025-06-01 12:00,review,grams,3.5,2025-06-02 12:00
f2,2025-06-03 12:00,review,grams,3.5,2025-06-03 12:00
"""
TICKETS = """\
ticket_id,opened_at,account_id,category,resolved_at,contacts,csat,rated_at,exported_at
t1,2023-05-01 12:00,half,x,2023-08-01 12:00,1,,,2023-08-01 13:00
t2,2025-06-20 12:00,half,x,,,,,2025-06-20 13:00
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Features by account."""
    folder: Path = tmp_path_factory.mktemp("odd")
    kept = {"known_at": "exported_at"}
    files = {"orders": ORDERS, "feedback": FEEDBACK, "support_tickets": TICKETS}
    shop = corner_shop(
        folder, "", time_zone="Europe/Berlin", touchpoints={name: {"files": f"{name}*.csv", **kept} for name in files}
    )
    (folder / "shops" / "corner" / "rates.csv").write_text(
        "currency,date,rate\nUSD,2025-01-01,0.5\nUSD,2025-06-10,0.9\n"
    )
    for name, text in files.items():
        (shop.workspace.landing_folder / f"{name}.csv").write_text(text)
    rows = features(shop, AS_OF)
    with shop.workspace.warehouse() as warehouse:
        accounts = warehouse.sql("select customer_id, identifier_id from identity.customer_ledger").df()
    accounts["account"] = accounts["identifier_id"].str.removeprefix("account:")
    return rows.merge(accounts, on="customer_id").set_index("account")


def test_what_comes_back_is_worth_what_was_paid_for_it(found: pd.DataFrame) -> None:
    assert found.loc["discounted", "returned_share_365d"] == 1
    assert found.loc["half", "returned_share_365d"] == 0.5


def test_money_changes_at_the_rate_of_the_day_of_the_shop(found: pd.DataFrame) -> None:
    assert found.loc["dollars", "spend_90d"] == 90


def test_an_order_over_midnight_is_one_day_of_its_whole_worth(found: pd.DataFrame) -> None:
    assert found.loc["midnight", ["orders_365d", "order_days_365d", "spend_365d", "products_365d"]].tolist() == [
        1,
        1,
        20,
        2,
    ]


def test_an_as_of_begins_at_midnight_of_the_shop(found: pd.DataFrame) -> None:
    assert found.loc["newyear", ["orders_30d", "spend_30d", "days_since_last_order"]].tolist() == [1, 7, 1]


def test_parts_of_a_unit_and_of_a_mark_are_summed_before_they_are_rounded(found: pd.DataFrame) -> None:
    assert found.loc["grams", "units_365d"] == pytest.approx(1.2)
    assert found.loc["grams", "review_mean_365d"] == 3.5


def test_a_ticket_opened_before_the_look_back_hides_no_open_one(found: pd.DataFrame) -> None:
    assert found.loc["half", "tickets_open"] == 1
