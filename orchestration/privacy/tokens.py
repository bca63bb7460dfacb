"""Keyed tokens of direct identifiers, the same in SQL and in Python.

Belongs here: normalisation and HMAC-SHA256 (RFC 2104) of ``<type>:<normalised value>``. Does not belong
here: the keys (``keys``) and who may keep a plain value (the contract).
"""

from __future__ import annotations

import hashlib
import hmac
import re

import duckdb

TOKEN_HEX = 32
"""Hex digits kept of the HMAC: 128 bits."""
TOKENISED = ("email", "phone")
"""Identifier types that leave the door only as tokens; all others keep their value."""
_BLOCK = 64  # bytes of a SHA-256 block
_BLANKS = r"E' \t\r\n'"


def install_key(connection: duckdb.DuckDBPyConnection, name: str, key: bytes) -> None:
    """Give a key to a connection as session variables, so that it stands in no query text, log or error."""
    padded = key.ljust(_BLOCK, b"\0")
    connection.execute(f"set variable {name}_inner = ?", [bytes(byte ^ 0x36 for byte in padded)])
    connection.execute(f"set variable {name}_outer = ?", [bytes(byte ^ 0x5C for byte in padded)])


def hmac_sql(name: str, message: str) -> str:
    """SQL for the first 32 hex digits of HMAC-SHA256 of the text ``message`` under the installed key ``name``."""
    inner = f"unhex(sha256(getvariable('{name}_inner') || encode({message})))"
    return f"left(sha256(getvariable('{name}_outer') || {inner}), {TOKEN_HEX})"


def normalised_sql(kind: str, value: str) -> str:
    """SQL for the normalised e-mail address or phone number; null for a text that is neither."""
    if kind == "email":
        address = f"lower(trim({value}, {_BLANKS}))"
        return f"case when contains({address}, '@') then {address} end"
    digits = f"regexp_replace({value}, '[^0-9]', '', 'g')"
    international = f"regexp_matches({value}, '^[\\s(]*(\\+|00)')"
    without_00 = f"regexp_replace({digits}, '^00', '')"
    return f"case when length({digits}) < 5 then null when {international} then '+' || {without_00} else {digits} end"


def token_sql(kind: str, value: str) -> str:
    """SQL for the token of an e-mail address or phone number, null where there is none."""
    return hmac_sql("tokens", f"'{kind}:' || {normalised_sql(kind, value)}")


def normalise(kind: str, value: str) -> str | None:
    """``normalised_sql`` in Python: lower-case trimmed e-mail; digits with a leading + where one (or 00) was given.

    >>> normalise("phone", "0049 (30) 123-45")
    '+493012345'
    """
    if kind == "email":
        address = value.strip(" \t\r\n").lower()
        return address if "@" in address else None
    digits = re.sub("[^0-9]", "", value)
    if len(digits) < 5:
        return None
    return "+" + re.sub("^00", "", digits) if re.match(r"[\s(]*(\+|00)", value) else digits


def token(key: bytes, kind: str, value: str) -> str | None:
    """The token of one value, for look-ups by a person (an agent's search, an erasure request)."""
    normal = normalise(kind, value)
    return None if normal is None else keyed(key, f"{kind}:{normal}")


def keyed(key: bytes, message: str) -> str:
    """First 32 hex digits of HMAC-SHA256, as ``hmac_sql``."""
    return hmac.new(key, message.encode(), hashlib.sha256).hexdigest()[:TOKEN_HEX]
