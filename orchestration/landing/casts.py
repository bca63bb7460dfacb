"""From whatever a file holds to the contract's types, as SQL expressions.

Belongs here: text of a cell, casts that give null where they fail, local time to UTC. Does not belong here:
what follows from a null (``checks``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestration.landing import sql

_BLANKS = r"E' \t\r\n'"
_NESTED = ("STRUCT", "MAP", "UNION")
_FLOATS = ("FLOAT", "DOUBLE")
_INSTANT = r"[1-9]\d{3}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?(Z|z|UTC|[+-]\d{2}(:?\d{2})?))?)?"
_DATE = r"[1-9]\d{3}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2}.*)?"
_OFFSET = r"[T ]\d{1,2}:.*(Z|z|UTC|[+-]\d{2}(:?\d{2})?)$"
_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
_INTEGER = r"[+-]?\d+(\.0*)?"
_THOUSANDS = r"[. \x{A0}\x{202F}]"
SIGNS = {
    "AUD": "$", "BRL": "R$", "CAD": "$", "CHF": "Fr.", "CNY": "¥", "CZK": "Kč", "DKK": "kr", "EUR": "€", "GBP": "£",
    "INR": "₹", "JPY": "¥", "MXN": "$", "NOK": "kr", "NZD": "$", "PLN": "zł", "SEK": "kr", "TRY": "₺", "USD": "$",
}  # fmt: skip
"""How a currency is written beside its code."""
_COMMA_NUMBER = rf"[+-]?(\d{{1,3}}({_THOUSANDS}\d{{3}})+|\d+)(,\d*)?|[+-]?,\d+"


@dataclass(frozen=True)
class Notation:
    """How a file writes what is not ISO 8601 or a plain number."""

    zone: str
    """IANA zone of instants that carry no offset."""
    decimal: str = "."
    date_formats: tuple[str, ...] = ()
    thousands: str = ""
    """Sign that parts thousands where the decimal sign is a point."""
    currency: str = ""
    """ISO 4217 code that, or whose sign, may stand beside an amount; another one makes it no number."""


def text(value: str, source_type: str) -> str:
    """SQL for the text of a cell, trimmed; null where it is empty.

    A whole number in a floating column is written without ``.0``: tables exported from pandas hold ids so.
    """
    if source_type in _FLOATS:
        whole = f"{value} = floor({value}) and abs({value}) < 1e15"
        plain = f"case when {whole} then {value}::bigint::varchar else {value}::varchar end"
        return f"case when not isnan({value}) then {plain} end"
    if source_type.startswith(_NESTED) or source_type.endswith("]"):
        return f"to_json({value})::varchar"
    if source_type == "BLOB":
        return f"decode({value})"
    # Trimming costs more than all else about a cell, and hardly any needs it.
    written = value if source_type == "VARCHAR" else f"{value}::varchar"
    is_padded = f"({written})[1] <= ' ' or ({written})[-1] <= ' '"
    return f"case when {is_padded} then nullif(trim({written}, {_BLANKS}), '') else {written} end"


def cast(cell: str, value: str, source_type: str, data_type: str, notation: Notation) -> str:
    """SQL for a cell in the contract's type; null where it is none.

    Parameters
    ----------
    cell
        SQL of the cell's text, as ``text`` gives it.
    value, source_type
        SQL of the cell as the file holds it, and its DuckDB type.
    data_type
        Type of the contract.
    notation
        How the file writes instants and numbers.
    """
    if data_type == "timestamp":
        return _instant(cell, value, source_type, notation)
    if source_type.lower() == data_type and data_type != "varchar":
        return value
    if data_type == "varchar":
        return cell
    if data_type == "date":
        day = f"regexp_extract({cell}, '^[0-9-]+')"
        iso = f"when regexp_full_match({cell}, '{_DATE}') then try_cast({day} as date)"
        return f"case {iso} {_written_day(cell, notation, '{}::date')} end"
    if source_type == "VARCHAR":
        cell = _bare(cell, data_type, notation)
        if notation.decimal == ",":
            cell = _with_point(cell)
        elif notation.thousands:
            cell = _without_thousands(cell, notation.thousands)
    if data_type == "integer":
        return f"case when regexp_full_match({cell}, '{_INTEGER}') then try_cast({cell} as integer) end"
    if data_type.startswith("decimal"):
        return f"case when regexp_full_match({cell}, '{_NUMBER}') then try_cast({cell} as {data_type}) end"
    return f"try_cast({cell} as {data_type})"


def local_to_utc(value: str, zone: str) -> str:
    """SQL for a naive local timestamp in naive UTC.

    An hour that does not exist (spring) is read with the offset before the change, an hour that exists twice
    (autumn) as its second, standard-time occurrence.
    """
    return value if zone == "UTC" else f"timezone('UTC', timezone({sql.text(zone)}, {value}))"


def _bare(cell: str, data_type: str, notation: Notation) -> str:
    """SQL for an amount without the shop's own currency beside it; hardly any cell has one."""
    if not notation.currency or not data_type.startswith("decimal"):
        return cell
    words = "|".join(re.escape(word) for word in (SIGNS.get(notation.currency, ""), notation.currency) if word)
    amount = sql.text(rf"^([+-]?)\s?(?:{words})?\s?([+-]?[0-9.,' \x{{A0}}\x{{202F}}]+?)\s?(?:{words})?$")
    plain = f"regexp_replace({cell}, {amount}, '\\1\\2')"
    return f"(case when regexp_matches({cell}, {sql.text(words)}) then {plain} else {cell} end)"


def _without_thousands(cell: str, sign: str) -> str:
    """SQL for a number whose thousands are parted, without the signs between them."""
    parted = sql.text(rf"[+-]?\d{{1,3}}({sign}\d{{3}})+(\.\d*)?")
    return f"(case when regexp_full_match({cell}, {parted}) then replace({cell}, {sql.text(sign)}, '') else {cell} end)"


def _with_point(cell: str) -> str:
    """SQL for a number with a decimal comma, written with a point; null where it is none."""
    plain = f"replace(regexp_replace({cell}, '{_THOUSANDS}', '', 'g'), ',', '.')"
    return f"(case when regexp_full_match({cell}, '{_COMMA_NUMBER}') then {plain} end)"


def _written_day(cell: str, notation: Notation, result: str) -> str:
    """SQL ``when … then …`` for a cell in one of the shop's own formats; %Y takes "24" for the year 24."""
    if not notation.date_formats:
        return ""
    parsed = f"try_strptime({cell}, [{', '.join(map(sql.text, notation.date_formats))}])"
    return f"when year({parsed}) between 1000 and 9999 then {result.format(parsed)}"


def _instant(cell: str, value: str, source_type: str, notation: Notation) -> str:
    zone = notation.zone
    if source_type == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('UTC', {value})"
    if source_type.startswith("TIMESTAMP") or source_type == "DATE":
        return local_to_utc(f"({value})::timestamp", zone)
    # try_cast wants seconds wherever an offset follows, and the offset in digits without the blank that Shopify writes.
    offset = f"regexp_replace({cell}, ' ?(Z|z|UTC)$', '+00')"
    joined = f"replace(replace({offset}, ' +', '+'), ' -', '-')"
    whole = rf"regexp_replace({joined}, '([T ]\d{{1,2}}:\d{{2}})([+-])', '\1:00\2')"
    # Most cells are whole as they stand, and the way round costs as much as all else.
    aware = f"coalesce(try_cast({cell} as timestamptz), try_cast({whole} as timestamptz))"
    return (
        f"case {_written_day(cell, notation, local_to_utc('{}', zone))} "
        f"when not regexp_full_match({cell}, '{_INSTANT}') then null "
        f"when regexp_matches({cell}, '{_OFFSET}') then timezone('UTC', {aware}) "
        f"else {local_to_utc(f'try_cast({cell} as timestamp)', zone)} end"
    )
