"""Rules of the contract, the two instants, tokens at the door."""

from __future__ import annotations

import json
from collections.abc import Callable

import duckdb
import pytest
from conftest import Door, order

from orchestration.landing import load_contract
from orchestration.landing.contract import Column
from orchestration.privacy.keys import load_keys
from orchestration.privacy.tokens import keyed, token

BAD = [
    ({"order_id": "  "}, "order_id", "required"),
    ({"order_id": None}, "order_id", "required"),
    ({"line_number": "3.7"}, "line_number", "no integer"),
    ({"line_number": "99999999999"}, "line_number", "no integer"),
    ({"line_number": "0x10"}, "line_number", "no integer"),
    ({"quantity": "1,5"}, "quantity", "no decimal(18,3)"),
    ({"quantity": "1_000"}, "quantity", "no decimal(18,3)"),
    ({"quantity": "NaN"}, "quantity", "no decimal(18,3)"),
    ({"quantity": "-1"}, "quantity", "min 0"),
    ({"line_type": "gift"}, "line_type", "allowed"),
    ({"ordered_at": "01.06.2025"}, "ordered_at", "no timestamp"),
    ({"ordered_at": "2025-02-30"}, "ordered_at", "no timestamp"),
    ({"ordered_at": "infinity"}, "ordered_at", "no timestamp"),
    ({"ordered_at": "0000-00-00 00:00:00"}, "ordered_at", "no timestamp"),
    ({"ordered_at": "2025-07-02T12:00:01Z"}, "ordered_at", "instant after known"),
    ({"currency": "USD"}, "currency", "currency without rate"),
    ({"returned_at": "yesterday"}, "returned_at", "no timestamp"),
    ({"ordered_at": "soon", "quantity": "-1"}, "ordered_at", "no timestamp"),  # the first in the contract's order
]


def test_a_bad_row_is_quarantined_once_with_column_value_rule_and_the_whole_row(door: Door) -> None:
    door.put("orders.jsonl", order() + "".join(order(**cells) for cells, *_ in BAD))
    (batch,) = door.land().landed
    values = [next(iter(cells.values())) for cells, *_ in BAD]
    assert door.quarantine("file, line, column_name, value, rule") == [
        ("orders.jsonl", line, column, (value or "").strip() or None, rule)
        for line, (value, (_, column, rule)) in enumerate(zip(values, BAD, strict=True), start=2)
    ]
    raw = json.loads(door.quarantine("raw_row")[7][0])
    assert raw["quantity"] == "NaN"
    assert raw["order_id"] == "o1"
    assert (batch.accepted, batch.quarantined) == (1, len(BAD))


def test_what_is_still_within_the_rules_is_accepted(door: Door) -> None:
    door.put(
        "orders.jsonl",
        order(order_id=" padded\t", quantity="1e2", line_number="+3.0", ordered_at="2025-07-02T12:00:00Z", unit_price=0)
        + order(order_id="b ", currency=" EUR", discount="", channel="  "),
    )
    door.land()
    assert door.rows("orders", "order_id, quantity::double, line_number, discount, channel") == [
        ("b", 1.0, 1, None, None),
        ("padded", 100.0, 3, None, None),
    ]


@pytest.mark.parametrize("touchpoint", ["consents", "erasure_requests"])
def test_a_refusal_that_names_nobody_is_quarantined(make_door: Callable[..., Door], touchpoint: str) -> None:
    """Or nobody would ever hear of it: not the customer, and not the shop."""
    own = {
        "consents": {"purpose": "marketing", "decision": "withdrawn", "decided_at": "2025-06-01"},
        "erasure_requests": {"request_id": "1", "requested_at": "2025-06-01"},
    }
    named = [
        {"email": "g1@x.org"}, {"account_id": "7", "email": "g1(at)x.org"}, {"phone": "+49 30 1234567"},
        {"email": "g1(at)x.org", "phone": "none"}, {"account_id": "  "},
    ]  # fmt: skip
    door = make_door({"orders": {"files": "o*"}, touchpoint: {"files": "r*"}})
    door.put("r.jsonl", "".join(json.dumps(own[touchpoint] | who) + "\n" for who in named))
    (batch,) = door.land().landed
    assert (batch.accepted, batch.quarantined) == (3, 2)
    assert door.quarantine("line, column_name, value, rule") == [
        (4, "account_id, email, phone", "g1(at)x.org, none", "one usable value at least"),
        (5, "account_id, email, phone", None, "one usable value at least"),
    ]


def test_a_rate_counts_from_the_first_of_two_midnights_on(make_door: Callable[..., Door]) -> None:
    """On the Azores 27 October 2024 begins at 0 o'clock UTC, and again an hour later."""
    door = make_door({"orders": {"files": "o*", "known_at": "at"}}, time_zone="Atlantic/Azores")
    (door.folder / "rates.csv").write_text("currency,date,rate\nUSD,2024-10-27,0.9\n")
    row = {"currency": "USD", "at": "2024-10-28"}
    door.put(
        "o.jsonl", order(ordered_at="2024-10-27T00:30:00Z", **row) + order(ordered_at="2024-10-26T23:30:00Z", **row)
    )
    (batch,) = door.land().landed
    assert (batch.accepted, batch.quarantined) == (1, 1)


def test_known_at_is_the_landing_instant_unless_the_file_says_another(make_door: Callable[..., Door]) -> None:
    door = make_door({"orders": {"files": "*", "known_at": "loaded"}})
    door.put("o.jsonl", order(loaded="2025-06-03T00:00:00Z") + order(order_id="o2") + order(order_id="o3", loaded="?"))
    door.land()
    assert door.rows("orders", "known_at::varchar") == [("2025-06-03 00:00:00",), ("2025-07-01 12:00:00",)]
    assert door.quarantine() == [(3, "known_at", "no timestamp")]


def test_history_is_known_when_it_happened(make_door: Callable[..., Door]) -> None:
    door = make_door({"orders": {"files": "o*", "history": True}})
    door.put("o.jsonl", order(ordered_at="2025-06-01T00:00:00Z") + order(order_id="o2", ordered_at="2025-05-01"))
    door.land()
    known = "occurred_at::varchar, known_at::varchar"
    assert door.rows("orders", known) == [
        ("2025-06-01 00:00:00", "2025-06-01 00:00:00"),
        ("2025-04-30 22:00:00", "2025-04-30 22:00:00"),
    ]


@pytest.mark.parametrize(
    ("spec", "column"),
    [({"history": True}, "ordered_at"), ({"known_at": "loaded"}, "known_at"), ({}, "ordered_at")],
    ids=["history", "a clock of the file's own", "the landing instant"],
)
def test_nothing_is_known_more_than_a_day_after_it_landed(
    make_door: Callable[..., Door], spec: dict[str, object], column: str
) -> None:
    door = make_door({"orders": {"files": "o*", **spec}})
    within, ahead = "2025-07-02T12:00:00Z", "9999-12-31T00:00:00Z"
    door.put("o.jsonl", order(ordered_at=within, loaded=within) + order(order_id="o2", ordered_at=ahead, loaded=ahead))
    (batch,) = door.land().landed
    assert door.quarantine("line, column_name, value") == [(2, column, ahead)]
    assert batch.last_occurred_at == "2025-07-02T12:00:00"


def test_a_discount_is_no_more_than_the_line_costs(make_door: Callable[..., Door]) -> None:
    """A column of percent that is mapped to it would be."""
    door = make_door({"orders": {"files": "o*"}})
    line = {"quantity": 2, "unit_price": 9.99}
    door.put("o.jsonl", order(**line, discount=20) + order(**line, order_id="o2", discount=25) + order(order_id="o3"))
    door.land()
    assert door.rows("orders", "order_id") == [("o1",), ("o3",)]
    assert door.quarantine("line, column_name") == [(2, "discount")]


def test_a_mutable_row_without_an_instant_happened_when_it_became_known(make_door: Callable[..., Door]) -> None:
    door = make_door({"customers": {"files": "c*", "known_at": "exported"}, "orders": {"files": "o*"}})
    door.put("c.jsonl", '{"account_id":"a1","exported":"2025-06-03T00:00:00Z"}\n{"account_id":"a2"}')
    door.land()
    assert door.rows("customers", "account_id, occurred_at::varchar, known_at::varchar") == [
        ("a1", "2025-06-03 00:00:00", "2025-06-03 00:00:00"),
        ("a2", "2025-07-01 12:00:00", "2025-07-01 12:00:00"),
    ]


def test_direct_identifiers_leave_orders_as_tokens_only(door: Door) -> None:
    door.put(
        "orders.jsonl", order(email=" Ada@Example.ORG ", phone="0049 (30) 1234-5") + order(order_id="o2", email="n/a")
    )
    door.land()
    key = load_keys(door.state).tokens
    assert door.rows("orders", "email_token, phone_token") == [
        (token(key, "email", "ada@example.org"), token(key, "phone", "+493012345")),
        (None, None),
    ]
    (path,) = door.state.raw.glob("*/*/rows.parquet")
    assert "example" not in str(duckdb.connect().execute("from read_parquet(?)", [str(path)]).fetchall()).lower()


def test_identities_are_tokenised_by_the_type_in_the_row(make_door: Callable[..., Door]) -> None:
    door = make_door({"identities": {"files": "i*"}, "orders": {"files": "o*"}})
    pair = {"left_type": "email", "left_value": "A@b.de", "right_type": "device", "right_value": "D9"}
    door.put("i.jsonl", json.dumps(pair | {"seen_at": "2025-06-01"}))
    door.land()
    key = load_keys(door.state).tokens
    assert door.rows("identities", "left_token, right_token") == [(token(key, "email", "a@b.de"), "D9")]


def test_rows_of_an_erased_person_from_before_the_erasure_are_counted_and_kept_nowhere(door: Door) -> None:
    keys = load_keys(door.state)
    folder = door.state.root / "privacy"
    folder.mkdir()
    duckdb.connect().execute(
        f"copy (select '{keyed(keys.tombstones, 'account:secret')}' as token, timestamp '2025-06-02' as erased_at) "
        f"to '{folder / 'tombstones.parquet'}' (format parquet)"
    )
    door.put(
        "orders.jsonl",
        order(account_id="secret")
        + order(order_id="o2", account_id="secret", quantity="bad")
        + order(order_id="o3", account_id="secret", ordered_at="bad")
        + order(order_id="o4", account_id="secret", ordered_at="2025-06-02T00:00:00Z")
        + order(order_id="o5", account_id="other")
        + order(order_id="o6", account_id="other", quantity="bad"),
    )
    (batch,) = door.land().landed
    assert (batch.rows_in, batch.accepted, batch.refused, batch.quarantined) == (6, 2, 3, 1)
    assert door.rows("orders", "order_id") == [("o4",), ("o5",)]
    assert door.quarantine("line") == [(6,)]


@pytest.mark.parametrize("touchpoint", [name for name, one in load_contract().items() if one.has("email_token")])
def test_wherever_an_address_or_a_number_comes_in_its_token_is_none_of_it(
    make_door: Callable[..., Door], touchpoint: str
) -> None:
    """Also where the touchpoint keeps the address itself in a column of its own."""
    contract = load_contract()[touchpoint]
    door = make_door({"orders": {"files": "o*"}, touchpoint: {"files": "t*"}})
    cells = {column.name: filled(column) for column in contract.incoming if column.required}
    door.put("t.jsonl", json.dumps(cells | {"email": "Ada@Example.ORG", "phone": "+49 30 12345"}) + "\n")
    door.land()
    key = load_keys(door.state).tokens
    tokens = {column.name: column.token for column in contract.tokens}
    expected = {"email": token(key, "email", "ada@example.org"), "phone": token(key, "phone", "+493012345")}
    (found,) = door.rows(touchpoint, ", ".join(tokens))
    assert found == tuple(expected[kind] for kind in tokens.values())


def filled(column: Column) -> object:
    """A value that the column accepts."""
    if column.allowed:
        return column.allowed[0]
    if column.name == "currency":
        return "EUR"
    if column.data_type == "timestamp":
        return "2025-06-01T10:00:00Z"
    if column.data_type == "boolean":
        return True
    return "x" if column.data_type == "varchar" else 1
