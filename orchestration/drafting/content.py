"""What kind of thing stands in a column, judged by its values alone.

Belongs here: kinds, and how a shop writes days and numbers. Does not belong here: names (``vocabulary``), choosing
(``guess``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from orchestration.drafting.sample import Column
from orchestration.landing.casts import SIGNS

ENOUGH = 0.9
"""Share of the values that must be of a kind; the rest may be dirt."""
DAYS = (
    "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y%m%d", "%Y/%m/%d", "%d/%m/%y",
    "%m/%d/%y", "%d %b %Y", "%b %d %Y", "%Y-%m-%d",
)  # fmt: skip
HOURS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
CURRENCIES = {*SIGNS, "HUF", "RON", "BGN", "ZAR", "SGD", "HKD", "KRW"}
_ISO = re.compile(r"[1-9]\d{3}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2}(?!.*[AaPp][Mm]$).*)?")
_OFFSET = re.compile(r"[T ]\d{1,2}:.*(Z|UTC|[+-]\d{2}(:?\d{2})?)$")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")
_INTEGER = re.compile(r"[+-]?\d{1,15}")
_POINT = re.compile(r"[+-]?\d+(\.\d+)?")
_COMMA = re.compile(r"[+-]?(\d{1,3}([.\s]\d{3})+|\d+)(,\d+)?")
_PARTED = {sign: re.compile(rf"[+-]?(\d{{1,3}}({sign}\d{{3}})+|\d+)(\.\d+)?") for sign in (",", "'")}
_SURELY_PARTED = {sign: re.compile(rf"[+-]?\d{{1,3}}({sign}\d{{3}})+\.\d+") for sign in _PARTED}
"""``1,234`` may be a little more than one; ``1,234.50`` is more than a thousand."""
_MONEY = re.compile(r"([+-]?)\s?(?:{0})?\s?([+-]?\d[\d.,' \u00a0\u202f]*?)\s?({0})?".format(
    "|".join(sorted({re.escape(word) for word in (*SIGNS, *SIGNS.values())}, key=len, reverse=True))
))  # fmt: skip
_BOOLEANS = {"true", "false", "t", "f", "yes", "no", "0", "1"}


@dataclass(frozen=True)
class Content:
    """What a column holds."""

    kind: str
    """empty, instant, integer, decimal, boolean, email, currency or text."""
    date_formats: tuple[str, ...] = ()
    """How its instants are written, where not in ISO 8601; the likely reading first."""
    is_ambiguous: bool = False
    """Day first or month first: no value tells."""
    has_offset: bool = False
    has_decimal_comma: bool = False
    thousands: str = ""
    """What parts thousands where the decimals follow a point."""
    currency: str = ""
    """Of amounts with a currency beside them."""
    is_negative: bool = False
    """Some number is below zero."""
    has_fractions: bool = False
    largest: float = 0.0
    words: tuple[str, ...] = field(default=())
    """The values themselves, where they are few."""


def content(column: Column) -> Content:
    """Judge a column."""
    values = column.values
    words = tuple(sorted(set(values))) if column.distinct <= 8 else ()
    if not values:
        return Content("empty")
    if column.data_type.startswith(("TIMESTAMP", "DATE")):
        return Content("instant", has_offset="WITH TIME ZONE" in column.data_type)
    if column.data_type == "BOOLEAN" or ({value.lower() for value in values} <= _BOOLEANS and column.distinct == 2):
        return Content("boolean", words=words)
    if _share(values, _EMAIL.fullmatch) >= ENOUGH:
        return Content("email")
    if _share(values, CURRENCIES.__contains__) >= ENOUGH:
        return Content("currency", words=words)
    return _instant(values) or _number(column, words) or Content("text", words=words)


def _share(values: tuple[str, ...], holds: Callable[[str], object]) -> float:
    return sum(bool(holds(value)) for value in values) / len(values)


def _instant(values: tuple[str, ...]) -> Content | None:
    if _share(values, _ISO.fullmatch) >= ENOUGH:
        return Content("instant", has_offset=_share(values, _OFFSET.search) > 0.5)
    found = []
    for day in DAYS:
        hours = [hour for hour in HOURS if any(_reads(value, day + hour) for value in values[:50])]
        formats = tuple(day + hour for hour in hours)
        share = _share(values, lambda value, formats=formats: any(_reads(value, one) for one in formats))  # type: ignore[misc]
        if formats and share >= ENOUGH:
            found.append((share, formats))
    if not found:
        return None
    best = max(share for share, _ in found)
    likely = [formats for share, formats in found if share == best]
    return Content("instant", date_formats=likely[0], is_ambiguous=len(likely) > 1)


def _reads(value: str, written: str) -> bool:
    try:
        year = datetime.strptime(value, written).year  # noqa: DTZ007 - only whether it can be read
    except ValueError:
        return False
    # Eight digits may as well be a number.
    return 1990 <= year <= 2035 if written.startswith("%Y%m") else 1900 <= year <= 2100


def _number(column: Column, words: tuple[str, ...]) -> Content | None:
    values, currency = _bare(column.values)
    parted = [sign for sign, surely in _SURELY_PARTED.items() if any(map(surely.fullmatch, values))]
    ways = [(_PARTED[sign], False, sign) for sign in parted] + [(_POINT, False, ""), (_COMMA, True, "")]
    for pattern, has_comma, thousands in ways:
        good = [value for value in values if pattern.fullmatch(value)]
        if len(good) / len(values) < ENOUGH or (has_comma and column.data_type != "VARCHAR"):
            continue
        plain = [value.replace(thousands, "") if thousands else value for value in good]
        numbers = [float(re.sub(r"[.\s]", "", value).replace(",", ".") if has_comma else value) for value in plain]
        is_integer = all(_INTEGER.fullmatch(value) for value in good)
        return Content(
            "integer" if is_integer else "decimal",
            has_decimal_comma=has_comma,
            thousands=thousands,
            currency=currency,
            is_negative=min(numbers) < 0,
            has_fractions=any(number % 1 for number in numbers),
            largest=max(map(abs, numbers)),
            words=words,
        )
    return None


def _bare(values: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Amounts without the currency beside them, and the likely code of that currency."""
    votes: Counter[str] = Counter()
    bare = []
    for value in values:
        found = _MONEY.fullmatch(value)
        bare.append(f"{found[1]}{found[2].strip()}" if found else value)
        said = re.sub(r"[\d.,'+\-\s]", "", value) if found else ""
        votes.update(code for code in LIKELY if said and said in (code, SIGNS[code].rstrip(".")))
    if sum(value != given for value, given in zip(bare, values, strict=True)) < 0.5 * len(values) or not votes:
        return values, ""
    return tuple(bare), max(LIKELY, key=lambda code: votes[code])


LIKELY = sorted(SIGNS, key=lambda code: (code not in ("EUR", "USD", "GBP"), code))
"""Of the currencies that share a sign the likelier first."""
FITS = {
    "timestamp": ("instant",), "date": ("instant",), "integer": ("integer",), "boolean": ("boolean",),
    "decimal": ("integer", "decimal"), "varchar": ("text", "integer", "decimal", "boolean", "email", "currency"),
}  # fmt: skip


def fits(kind: str, data_type: str) -> bool:
    """Whether values of a kind can become a type of the contract."""
    if kind == "boolean" and data_type.startswith(("decimal", "integer")):
        return True  # ones and twos, of which the sample shows two values
    return kind == "empty" or kind in FITS[data_type.split("(")[0]]
