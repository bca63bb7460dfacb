"""Columns: renamed, missing, mapped by SQL."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conftest import Door

from orchestration.landing import LandingError

ROW = "1,2025-06-01,1,9.90"
GOOD = f"order_id,line_number,ordered_at,quantity,unit_price\no1,{ROW}\n"
SELECT = "select file_line, id as order_id, 1 as line_number, day as ordered_at, 1 as quantity, price as unit_price"


def test_columns_rename_the_files_own_names(make_door: Callable[..., Door]) -> None:
    names = {"order_id": "Order No", "unit_price": "Net price"}
    door = make_door({"orders": {"files": "orders*", "columns": names}})
    door.put("orders.csv", f"Order No,line_number,ordered_at,quantity,Net price\no1,{ROW}\n")
    door.land()
    assert door.rows("orders", "order_id, unit_price::double") == [("o1", 9.9)]


def test_a_renamed_column_is_named_with_the_likely_one(make_door: Callable[..., Door]) -> None:
    door = make_door({"orders": {"files": "orders*", "columns": {"order_id": "Order No"}}})
    door.put("orders_1.csv", f"OrderNo,line_number,ordered_at,quantity,unit_price\no1,{ROW}\n")
    door.put("orders_2.csv", GOOD.replace("order_id", "Order No"))
    report = door.land()
    (error,) = report.errors
    assert error.file == "orders_1.csv"
    assert "no column 'Order No' (for order_id), did you mean 'OrderNo'?" in error.message
    assert (door.landing / "orders_1.csv").exists()
    assert [batch.file for batch in report.landed] == ["orders_2.csv"]


def test_every_missing_required_column_is_named_but_none_that_has_a_default(door: Door) -> None:
    door.put("orders.csv", "order_id,line_number,Ordered-At,qty\no1,1,2025-06-01,1\n")
    (error,) = door.land().errors
    assert "'ordered_at', did you mean 'Ordered-At'?" in error.message
    assert "'quantity'" in error.message
    assert "'unit_price'" in error.message
    assert "'currency'" not in error.message
    assert "The file has: order_id, line_number, Ordered-At, qty" in error.message


def test_defaults_take_the_place_of_columns_that_are_not_there(make_door: Callable[..., Door]) -> None:
    door = make_door(currency="CHF")
    door.put("orders.csv", GOOD)
    door.land()
    assert door.rows("orders", "line_type, discount::double, currency, channel") == [("sale", 0.0, "CHF", None)]


def test_a_column_that_the_contract_does_not_have_stops_before_any_file_is_read(
    make_door: Callable[..., Door],
) -> None:
    door = make_door({"orders": {"files": "orders*", "columns": {"order_nr": "id"}}})
    with pytest.raises(LandingError, match=r"touchpoints.orders.columns: .*'order_nr', did you mean 'order_id'"):
        door.land()


def test_sql_maps_types_rejects_with_a_reason_and_keeps_the_line(door: Door) -> None:
    reason = "case when price < 0 then 'a credit note' end as reject_reason"
    (door.folder / "orders.sql").write_text(f"-- one row each\n{SELECT}, {reason} from landed -- the end\n;\n")
    door.put_parquet(
        "orders.parquet",
        "select 'o' || i as id, timestamp '2025-06-01' as day, 1.5 - i as price from range(3) r(i)",
    )
    report = door.land()
    assert door.rows("orders", "order_id") == [("o0",), ("o1",)]
    assert door.quarantine("line, column_name, value, rule, raw_row") == [
        (3, None, None, "mapping: a credit note", '{"id":"o2","day":"2025-06-01 00:00:00","price":-0.5}')
    ]
    assert report.landed[0].rules[0].rule == "mapping: a credit note"


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (f"{SELECT} from landed where price <> '-1'", "gives 2 rows with 2 different"),
        (f"{SELECT} from landed, range(2)", "gives 6 rows with 3 different"),
        (f"{SELECT.replace('file_line', '2 as file_line')} from landed", "gives 3 rows with 1 different"),
        (SELECT.replace("file_line,", "") + " from landed", "has to give the column(s) file_line"),
        (SELECT.replace("as unit_price", "as price") + " from landed", "gives 'price', which the contract does not"),
        (SELECT.replace("price", "prise") + " from landed", 'Referenced column "prise" not found'),
        (SELECT + " from landed; drop table x", "one select statement"),
        ("delete from landed", "one select statement"),
        (SELECT + " frm landed", "syntax error"),
        (SELECT.replace("1 as quantity", "cast(secret as int) as quantity") + " from landed", "use try_cast"),
    ],
)
def test_a_mapping_that_breaks_its_rules_is_refused_without_a_value_in_the_message(
    door: Door, statement: str, words: str
) -> None:
    (door.folder / "orders.sql").write_text(statement)
    door.put("orders.csv", "id,day,price,secret\no1,2025-06-01,1,ada@x.org\no2,2025-06-01,2,b\no3,2025-06-01,-1,c\n")
    (error,) = door.land().errors
    assert words in error.message
    assert "ada@x.org" not in error.message
    assert not door.rows("orders")


def test_columns_and_sql_for_the_same_touchpoint_are_refused(make_door: Callable[..., Door]) -> None:
    door = make_door({"orders": {"files": "orders*", "columns": {"order_id": "id"}}})
    (door.folder / "orders.sql").write_text(f"{SELECT} from landed")
    with pytest.raises(LandingError, match="keep one of the two"):
        door.land()


def test_known_at_of_shop_yml_has_to_be_in_the_file(make_door: Callable[..., Door]) -> None:
    door = make_door({"orders": {"files": "orders*", "known_at": "loaded_at"}})
    door.put("orders.csv", GOOD.replace("unit_price", "unit_price,LoadedAt").replace("9.90", "9.90,2025-06-02"))
    (error,) = door.land().errors
    assert "no column 'loaded_at' (for known_at), did you mean 'LoadedAt'?" in error.message
