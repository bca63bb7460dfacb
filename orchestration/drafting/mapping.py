"""A first ``<touchpoint>.sql`` where a rename is not enough.

Belongs here: required columns made out of others, lines below zero as returns. Does not belong here: renames, which
stand in shop.yml (``draft``).
"""

from __future__ import annotations

from orchestration.drafting.guess import DERIVABLE, Choice, Guess
from orchestration.landing import sql

MARK = "--? "
"""Begins a line of a mapping that is only a guess."""


def needs_mapping(found: Guess) -> bool:
    """Whether some required column can only be made, or order lines go below zero."""
    lacking = [name for name in found.missing if name in DERIVABLE.get(found.contract.name, ())]
    return bool(lacking or found.clashing or _below_zero(found))


def made_columns(found: Guess) -> tuple[str, ...]:
    """Columns that the mapping makes out of others; empty without a mapping."""
    return tuple(_made(found)) if needs_mapping(found) else ()


def mapping(found: Guess) -> str:
    """Text of the mapping: what is sure, guesses as comments, and what is made."""
    made = _made(found)
    lines = [
        f"-- Drafted by `regulars init` from {found.sample.path.name}. Lines that begin with",
        f"-- `{MARK.strip()}` are guesses: remove the mark in front of what is right.",
        "-- Every row of `landed` must come out once, with its file_line.",
        "select",
        "    file_line,",
    ]
    for name, expression in made.items():
        lines.append(f"    {expression} as {name},")
    for name, choice in found.choices.items():
        if name not in made:
            lines.append(_line(name, choice))
    if found.known_at:
        lines.append(_line("known_at", found.known_at))
    lines += foreign_words(found, "    -- ")
    if found.unused:
        lines.append(f"    -- not used: {', '.join(found.unused)}")
    return "\n".join([*lines, "from landed", ""])


def foreign_words(found: Guess, indent: str) -> list[str]:
    """Comments on columns that mean something of the contract in the shop's own words."""
    return [
        f"{indent}{canonical.name}: {name} says {', '.join(found.contents[name].words)}; the contract knows "
        f"{', '.join(canonical.allowed)}. A case in {found.contract.name}.sql can translate"
        for canonical, name in found.foreign
    ]


def _line(name: str, choice: Choice) -> str:
    mark = "" if choice.is_sure else MARK
    others = f"; also possible: {', '.join(choice.others)}" if choice.others else ""
    return f"    {mark}{sql.name(choice.column)} as {name}," + ("" if choice.is_sure else f"  -- a guess{others}")


def _below_zero(found: Guess) -> tuple[str, ...]:
    """Sure columns of an order line that go below zero: a return, where the file has no word for it."""
    if found.contract.name != "orders":
        return ()
    # A price that is only a guess stays a line to be confirmed.
    price = next((one for one in [found.choices.get("unit_price")] if one and one.is_sure), found.line_total)
    numbers = [one.column for one in (found.choices.get("quantity"), price) if one]
    return tuple(name for name in numbers if found.contents[name].is_negative)


def _made(found: Guess) -> dict[str, str]:
    """SQL by canonical column that no column of the file is."""
    make = {"orders": _order, "events": _event, "subscriptions": _subscription}.get(found.contract.name)
    return make(found) if make else {}


def _order(found: Guess) -> dict[str, str]:
    made: dict[str, str] = {}
    lacking = found.missing
    whose, day = _column(found, "account_id"), _column(found, "ordered_at")
    order = _column(found, "order_id")
    if "order_id" in lacking and whose and day:
        # A customer's day is an order.
        order = made["order_id"] = f"{whose}::varchar || '-' || {day}::varchar"
    if "line_number" in lacking and order:
        made["line_number"] = _line_number(found, order)
    return made | _amounts(found)


def _line_number(found: Guess, order: str) -> str:
    """By what the line is of: one of a later file takes no other's number, and one that changes keeps its own.

    What was bought tells the lines of an order apart; a return also its day, since it may come in parts.
    """
    tells = [_column(found, name) for name in ("product_id", "line_type")]
    if (is_return := _is_return(found)) and (day := _column(found, "ordered_at")):
        tells.append(f"if({is_return}, {day}::varchar, null)")
    parts = [one for one in tells if one]
    number = f"row_number() over (partition by {', '.join([order, *parts])} order by file_line)"
    if not parts:
        return number
    return f"('0x' || left(md5(concat_ws('|', {', '.join(parts)})), 5))::integer * 1000 + {number}"


def _amounts(found: Guess) -> dict[str, str]:
    """Quantity, price and type of an order line, where a sign or the price of a whole line has to be parted."""
    made: dict[str, str] = {}
    quantity, price = found.choices.get("quantity"), found.choices.get("unit_price")
    signed = _below_zero(found)
    units = _number(found, quantity.column) if quantity else "1"
    if quantity is None:
        made["quantity"] = units
    elif quantity.column in signed:
        made["quantity"] = f"abs({units})"
    if price is None and found.line_total:
        total = found.line_total.column
        amount = f"abs({_number(found, total)})"
        made["unit_price"] = f"{amount} / nullif(abs({units}), 0)" if quantity else amount
    elif price and price.column in signed:
        made["unit_price"] = f"abs({_number(found, price.column)})"
    if is_return := _is_return(found):
        made["line_type"] = f"if({is_return}, 'return', 'sale')"
    return made


def _is_return(found: Guess) -> str | None:
    """Condition on a line below zero; None where no sign tells, or a column of its own does."""
    kind, signed = found.choices.get("line_type"), list(_below_zero(found))
    if "unit_price" not in found.choices and found.line_total and found.line_total.column not in signed:
        # The sample may have missed the few refunds, and without its sign a refund is a sale.
        signed.append(found.line_total.column)
    if not signed or (kind and kind.is_sure):
        return None
    return " or ".join(f"{_number(found, name)} < 0" for name in signed)


def _event(found: Guess) -> dict[str, str]:
    made = {"event_type": "'activity'"} if "event_type" in found.missing else {}
    if "event_id" not in found.missing:
        return made
    cells = ", ".join(f"coalesce({sql.name(name)}::varchar, '')" for name in found.sample.names)
    content = f"md5(concat_ws('|', {cells}))"
    # Two equal rows are two events.
    return made | {"event_id": f"{content} || '-' || row_number() over (partition by {content} order by file_line)"}


def _subscription(found: Guess) -> dict[str, str]:
    made: dict[str, str] = {}
    whose, start, end = (_column(found, name) for name in ("account_id", "started_at", "ended_at"))
    if "subscription_id" in found.missing and whose and start:
        made["subscription_id"] = f"{whose}::varchar || '-' || {start}::varchar"
    if "status" in found.missing:
        made["status"] = f"if(nullif({end}::varchar, '') is null, 'active', 'ended')" if end else "'active'"
    return made


def _column(found: Guess, canonical: str) -> str | None:
    choice = found.choices.get(canonical)
    return sql.name(choice.column) if choice else None


def _number(found: Guess, column: str) -> str:
    text, held = f"{sql.name(column)}::varchar", found.contents[column]
    if held.currency:
        text = f"regexp_replace({text}, '[^0-9.,+-]', '', 'g')"
    if held.thousands:
        text = f"replace({text}, {sql.text(held.thousands)}, '')"
    if held.has_decimal_comma:
        text = f"replace(replace({text}, '.', ''), ',', '.')"
    return f"try_cast({text} as double)"
