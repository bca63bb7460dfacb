"""The rules of the contract, row by row: the relation ``staged``.

Belongs here: which rule a row violates first, its two instants, its tokens, its hash, whether it belongs to an
erased person. Does not belong here: what rows have to do with each other (``duplicates``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from orchestration.landing import casts, sql
from orchestration.landing.contract import Column, TouchpointContract
from orchestration.landing.reader import LINE
from orchestration.privacy import tokens
from orchestration.shop import Shop

INSTANT_AFTER_KNOWN = "instant after known"
KNOWN_AFTER_LANDING = "known after landing"
CURRENCY_WITHOUT_RATE = "currency without rate"
ABOUT_NOBODY = "one usable value at least"
IDENTIFIERS = {
    "account_id": "account", "email_token": "email", "phone_token": "phone", "loyalty_card_id": "loyalty_card",
    "device_id": "device", "cookie_id": "cookie",
}  # fmt: skip
"""Columns that say whose row it is, with the type of the identifier."""


@dataclass(frozen=True)
class Rule:
    """A condition (SQL, true where violated) with the column and the text that quarantine names."""

    column: str
    name: str
    violated: str
    value: str


@dataclass(frozen=True)
class Checked:
    """The statement that gives ``staged``, and the rules in the order of its ``violated`` (1 is the first)."""

    statement: str
    rules: tuple[Rule, ...]


def checked(
    contract: TouchpointContract,
    shop: Shop,
    types: dict[str, str],
    *,
    now: datetime,
    rates: dict[str, date],
    has_tombstones: bool,
) -> Checked:
    """SQL over ``mapped`` for ``staged``: file_line, the contract's columns, occurred_at, known_at, row_hash,
    violated, violated_value, is_refused.

    Parameters
    ----------
    types
        DuckDB type by column of ``mapped``.
    now
        The landing instant; ``known_at`` where neither the file nor ``history: true`` says another.
    rates
        First day with a rate by currency.
    has_tombstones
        Whether the view ``tombstones`` (token, erased_at) has to be asked.
    """
    spec = shop.touchpoints[contract.name]
    zone = spec.time_zone or shop.time_zone
    notation = casts.Notation(zone, spec.decimal, spec.date_format, spec.thousands, shop.currency)
    incoming = (*contract.incoming, Column("known_at", "timestamp"))
    rules = _rules(contract, shop, rates, now)
    instant = sql.name(contract.occurred_at)
    known_at = f"coalesce(typed.known_at, {instant if spec.history else sql.instant(now)})"
    # What has no instant of its own is known from its load on.
    occurred_at = f"coalesce({instant}, {known_at})" if contract.mutable else instant
    own = [sql.name(column.name) for column in contract.columns]
    violated = " ".join(f"when {rule.violated} then {number}" for number, rule in enumerate(rules, start=1))
    values = " ".join(f"when {number} then {rule.value}" for number, rule in enumerate(rules, start=1))
    statement = f"""
        with cells as (select {LINE}, reject_reason, {_cells(incoming, types)} from mapped),
        typed as (select *, {_values(incoming, types, notation)} from cells),
        told as (
            select * rename (known_at as own_known_at), {_tokens(contract)}
                {occurred_at} as occurred_at, {known_at} as known_at
            from typed
        ),
        judged as (select *, case {violated} else 0 end as violated from told)
        select {LINE}, {", ".join(own)}, occurred_at, known_at, {_row_hash(contract)} as row_hash, violated,
            case violated {values} end as violated_value, {_is_refused(contract, has_tombstones)} as is_refused
        from judged
    """
    return Checked(statement, rules)


def _cell(column: str) -> str:
    return sql.name(f"text of {column}")


def _held(column: str) -> str:
    return sql.name(f"held in {column}")


def _cells(columns: tuple[Column, ...], types: dict[str, str]) -> str:
    return ", ".join(
        f"{sql.name(each.name)} as {_held(each.name)}, "
        f"{casts.text(sql.name(each.name), types[each.name])} as {_cell(each.name)}"
        for each in columns
    )


def _values(columns: tuple[Column, ...], types: dict[str, str], notation: casts.Notation) -> str:
    return ", ".join(
        f"{casts.cast(_cell(each.name), _held(each.name), types[each.name], each.data_type, notation)} "
        f"as {sql.name(each.name)}"
        for each in columns
    )


def _rules(contract: TouchpointContract, shop: Shop, rates: dict[str, date], now: datetime) -> tuple[Rule, ...]:
    rules = [Rule("", "mapping", "reject_reason is not null", "reject_reason::varchar")]
    for column in contract.incoming:
        rules += _column_rules(column)
    if contract.whose:
        # An address that no token can be made of names nobody, whatever its cell holds.
        names = contract.whose_incoming
        held = f"concat_ws(', ', {', '.join(map(_cell, names))})"
        nobody = f"coalesce({sql.names(contract.whose)}) is null"
        rules.append(Rule(", ".join(names), ABOUT_NOBODY, nobody, f"nullif({held}, '')"))
    own = f"{_cell('known_at')} is not null and own_known_at is null"
    rules.append(Rule("known_at", "no timestamp", own, _cell("known_at")))
    late = "occurred_at > known_at + interval 1 day"
    rules.append(Rule(contract.occurred_at, INSTANT_AFTER_KNOWN, late, _cell(contract.occurred_at)))
    # One row of the year 9999 would tell every model that all the years before it have landed.
    source = "known_at" if shop.touchpoints[contract.name].known_at else contract.occurred_at
    ahead = f"known_at > {sql.instant(now)} + interval 1 day"
    rules.append(Rule(source, KNOWN_AFTER_LANDING, ahead, _cell(source)))
    if contract.has("currency"):
        covered = [f"(currency = {sql.text(shop.currency)})"]
        covered += [
            f"(currency = {sql.text(currency)} and occurred_at >= {_day_start(first, shop)})"
            for currency, first in rates.items()
        ]
        rules.append(Rule("currency", CURRENCY_WITHOUT_RATE, f"not ({' or '.join(covered)})", _cell("currency")))
    return tuple(rules)


def _day_start(day: date, shop: Shop) -> str:
    """UTC instant at which a day begins for the shop; of two midnights the first."""
    return sql.instant(datetime.combine(day, time(), shop.zone))


def _column_rules(column: Column) -> list[Rule]:
    cell, value = _cell(column.name), sql.name(column.name)
    rules = [_type_rule(column)]
    if column.required:
        rules.append(Rule(column.name, "required", f"{cell} is null", cell))
    if column.allowed:
        allowed = ", ".join(map(sql.text, column.allowed))
        rules.append(Rule(column.name, "allowed", f"{value} not in ({allowed})", cell))
    if column.at_most:
        most = Rule(column.name, f"at most {column.at_most}", f"{value} > {column.at_most}", cell)
        rules.append(most)
    for name, bound, sign in (("min", column.minimum, "<"), ("max", column.maximum, ">")):
        if bound is not None:
            limit = f"cast({sql.text(bound)} as {column.data_type})"
            rules.append(Rule(column.name, f"{name} {bound}", f"{value} {sign} {limit}", cell))
    return rules


def _type_rule(column: Column) -> Rule:
    cell = _cell(column.name)
    lost = f"{cell} is not null and {sql.name(column.name)} is null"
    return Rule(column.name, f"no {column.data_type}", lost, cell)


def _tokens(contract: TouchpointContract) -> str:
    return "".join(f"{_token(column)} as {sql.name(column.name)}, " for column in contract.tokens)


def _token(column: Column) -> str:
    assert column.source
    assert column.token
    source = sql.name(column.source)
    if (
        column.token in tokens.TOKENISED
    ):  # whatever columns there are: some touchpoints keep the address beside its token
        return tokens.token_sql(column.token, source)
    kinds = " ".join(f"when '{kind}' then {tokens.token_sql(kind, source)}" for kind in tokens.TOKENISED)
    return f"case {sql.name(column.token)} {kinds} else {source} end"


def _row_hash(contract: TouchpointContract) -> str:
    # An empty cell is null, so '' is free to keep its place; chr(31) stands in no cell by accident.
    fields = ", ".join(f"coalesce({sql.name(column.name)}::varchar, '')" for column in contract.columns)
    return f"md5(concat_ws(chr(31), {fields}))"


def _is_refused(contract: TouchpointContract, has_tombstones: bool) -> str:
    if not has_tombstones:
        return "false"
    whose = [f"'{kind}:' || {name}" for name, kind in IDENTIFIERS.items() if contract.has(name)]
    if contract.has("left_token"):
        whose += ["left_type || ':' || left_token", "right_type || ':' || right_token"]
    # A row of theirs whose instant cannot be read is refused too, or its values would stand in quarantine.
    return (
        " or ".join(
            "coalesce(coalesce(occurred_at, timestamp '-infinity') < (select max(erased_at) from tombstones "
            f"where tombstones.token = {tokens.hmac_sql('tombstones', who)}), false)"
            for who in whose
        )
        or "false"
    )
