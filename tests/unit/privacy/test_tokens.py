"""Tokens: the same in SQL and in Python, and as RFC 2104 has them."""

from __future__ import annotations

import hashlib
import hmac

import duckdb
import pytest

from orchestration.privacy.tokens import hmac_sql, install_key, normalise, token, token_sql

KEY = bytes(range(32))
VALUES = {
    "email": ["Ada@Example.org", " ada@example.org\t", "ÄRGER@bücher.de", "n/a", "", "a@b"],
    "phone": [
        "+49 30 123456",
        "0049 (30) 12-34 56",
        "(+49)30/123456",
        "030 123456",
        "1234",
        "none",
        "00 44 20 7946 0000",
    ],
}


@pytest.mark.parametrize("message", ["", "a", "email:ada@example.org", "ä" * 100, "x" * 200])
def test_hmac_in_sql_is_that_of_the_standard_library(message: str) -> None:
    connection = duckdb.connect()
    install_key(connection, "tokens", KEY)
    (found,) = connection.execute(f"select {hmac_sql('tokens', '?::varchar')}", [message]).fetchone() or ("",)
    assert found == hmac.new(KEY, message.encode(), hashlib.sha256).hexdigest()[:32]


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in VALUES.items() for value in values])
def test_sql_and_python_give_the_same_token(kind: str, value: str) -> None:
    connection = duckdb.connect()
    install_key(connection, "tokens", KEY)
    found = connection.execute(f"select {token_sql(kind, 'value')} from (select ?::varchar as value)", [value])
    assert found.fetchone() == (token(KEY, kind, value),)


@pytest.mark.parametrize(
    ("kind", "value", "normal"),
    [
        ("email", " Ada@Example.ORG\n", "ada@example.org"),
        ("email", "unknown", None),
        ("phone", "+49 (30) 12-34", "+49301234"),
        ("phone", "0049301234", "+49301234"),
        ("phone", "030 1234", "0301234"),
        ("phone", "n/a", None),
    ],
)
def test_normalisation_joins_spellings_and_drops_what_is_no_identifier(
    kind: str, value: str, normal: str | None
) -> None:
    assert normalise(kind, value) == normal


def test_another_type_or_key_gives_another_token() -> None:
    one = token(KEY, "phone", "12345@")
    assert one != token(KEY, "email", "12345@")
    assert one != token(bytes(32), "phone", "12345@")


def test_the_key_stands_in_no_query_text() -> None:
    assert KEY.hex() not in hmac_sql("tokens", "message")
