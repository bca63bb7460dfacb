"""Which touchpoint a file is, and which of its columns is which canonical one.

Belongs here: scores and choices, and how sure they are. Does not belong here: words (``vocabulary``), values
(``content``), the text of the draft (``draft``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from orchestration.drafting.content import ENOUGH, Content, content, fits
from orchestration.drafting.sample import Column, Sample
from orchestration.drafting.vocabulary import file_likeness, is_bare_id, likeness
from orchestration.landing.contract import Column as Canonical
from orchestration.landing.contract import TouchpointContract

SURE = 0.9
WORTH_SAYING = 0.4
REPEATING = 0.5
"""Share of rows with a value of their own below which a column is hardly what tells the rows apart."""
LINE_TOTAL = Canonical("line_total", "decimal(18,4)")
"""No canonical column: the price of a whole line, which a draft divides by the quantity."""
SHARE = re.compile(r"%|(?<![a-z])(pct|rate)(?![a-z])|percent|prozent|pourcent|porcent")
"""In a name: its numbers are shares."""
KNOWN_AT = Canonical("known_at", "timestamp")
"""No canonical column: when the shop's export learned of the row."""
DERIVABLE = {
    "orders": ("order_id", "line_number", "quantity", "unit_price"),
    "events": ("event_id", "event_type"),
    "subscriptions": ("subscription_id", "status"),
}
"""Required columns that a draft can make out of others (``mapping``)."""


@dataclass(frozen=True)
class Choice:
    """A file's column for a canonical one."""

    canonical: str
    column: str
    is_sure: bool
    others: tuple[str, ...] = ()
    """Further columns of the file that it might be, the likeliest first."""
    language: str = ""


@dataclass(frozen=True)
class Guess:
    """One file as one touchpoint."""

    sample: Sample
    contract: TouchpointContract
    likelihood: float
    choices: dict[str, Choice]
    contents: dict[str, Content]
    line_total: Choice | None = None
    known_at: Choice | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """Required columns, without a default, that no column of the file looks like."""
        return tuple(
            column.name
            for column in self.contract.incoming
            if column.required and column.default is None and column.name not in self.choices
        )

    @property
    def clashing(self) -> tuple[str, ...]:
        """Columns of the file with a canonical name that do not fit it: only a mapping in SQL can keep them out."""
        own = {column.name for column in self.contract.incoming}
        taken = {choice.column for choice in self.choices.values() if choice.column == choice.canonical}
        return tuple(name for name in self.sample.names if name in own and name not in taken)

    @property
    def foreign(self) -> tuple[tuple[Canonical, str], ...]:
        """Canonical columns with allowed values, and the file's column that means the same in words of its own."""
        return tuple(
            (canonical, name)
            for canonical in self.contract.incoming
            if canonical.allowed and canonical.name not in self.choices
            for name in self.unused
            if likeness(name, canonical.name)[0] >= SURE and self.contents[name].words
        )

    @property
    def unused(self) -> tuple[str, ...]:
        extras = [choice for choice in (self.line_total, self.known_at) if choice]
        used = {choice.column for choice in (*self.choices.values(), *extras)}
        return tuple(name for name in self.sample.names if name not in used)


def guess(seen: Sample, contract: dict[str, TouchpointContract], told: str | None = None) -> Guess | None:
    """The likeliest touchpoint of a file, or the one that a person told; None where nothing speaks for any."""
    contents = {column.name: content(column) for column in seen.columns}
    if told is not None:
        return _as_touchpoint(seen, contract[told], contents)
    every = [_as_touchpoint(seen, touchpoint, contents) for touchpoint in contract.values()]
    best = max(every, key=lambda one: one.likelihood)  # the first of equals, in the contract's order
    return best if best.likelihood >= WORTH_SAYING else None


def _as_touchpoint(seen: Sample, contract: TouchpointContract, contents: dict[str, Content]) -> Guess:
    wanted = (*contract.incoming, KNOWN_AT, *([LINE_TOTAL] if contract.name == "orders" else []))
    scores = {
        (canonical.name, column.name): _score(canonical, column, contents[column.name], contract, seen.rows)
        for canonical in wanted
        for column in seen.columns
    }
    # What every row must have is no column that some rows leave empty, such as when an order was paid.
    gaps = tuple(column.name for column in seen.columns if column.filled < seen.rows)
    must = [column.name for column in contract.incoming if column.required and column.default is None]
    choices = _chosen(scores, dict.fromkeys((*must, contract.occurred_at), gaps))
    extras = {name: choices.pop(name, None) for name in ("line_total", "known_at")}
    found = Guess(seen, contract, 0.0, choices, contents, **extras)
    return replace(found, likelihood=_likelihood(found, scores))


def _likelihood(found: Guess, scores: dict[tuple[str, str], float]) -> float:
    seen, contract, choices = found.sample, found.contract, found.choices
    core = [
        column.name
        for column in contract.incoming
        if column.required and column.default is None and column.name not in DERIVABLE.get(contract.name, ())
    ]
    if contract.name == "orders":
        core.append("unit_price")
    # Files of every kind have an `id`: it speaks for none of them.
    told = {name: choice for name, choice in choices.items() if not is_bare_id(choice.column)}
    by_name = [name for name in core if name in told and scores[name, told[name].column] >= 0.6]
    if "unit_price" in core and "unit_price" not in by_name and found.line_total:
        by_name.append("unit_price")
    sure = sum(choice.is_sure for choice in told.values())
    by_shape = [name for name in core if name in choices or name in by_name]
    likelihood = (
        0.25 * len(by_shape) / len(core)
        + 0.6 * file_likeness(_stem(seen), contract.name)
        + 0.5 * len(by_name) / len(core)
        + 0.5 * sure / max(len(seen.columns), 1)
    )
    key = choices.get(contract.key[0])
    columns = {column.name: column for column in seen.columns}
    if contract.name in ("customers", "products") and key and columns[key.column].distinct < REPEATING * seen.rows:
        return 0.3 * likelihood  # versions repeat a key now and then; facts about it repeat it all the time
    if contract.name == "subscriptions" and _is_log(found, columns):
        return 0.3 * likelihood
    return likelihood


def _is_log(found: Guess, columns: dict[str, Column]) -> bool:
    """Whether everybody begins something time and again, as in a history of what was watched: nobody has so many
    contracts."""
    whose, begun = found.choices.get("account_id"), found.choices.get("started_at")
    if not whose or not begun or "subscription_id" in found.choices:
        return False
    accounts = columns[whose.column].distinct
    return found.sample.rows > 3 * accounts and columns[begun.column].distinct > 2 * accounts


def _stem(seen: Sample) -> str:
    return seen.path.name.split(".", 1)[0]


def _chosen(scores: dict[tuple[str, str], float], unsure: dict[str, tuple[str, ...]]) -> dict[str, Choice]:
    """The best pair first, each name once; a pair is sure where it is good and nothing comes near it.

    ``unsure`` has the columns that are never sure, by canonical name; of equal ones the others come first.
    """
    choices: dict[str, Choice] = {}
    taken: set[str] = set()
    for (canonical, column), score in sorted(
        scores.items(), key=lambda pair: (-pair[1], pair[0][1] in unsure.get(pair[0][0], ()))
    ):  # stable: order of the contract
        if score < WORTH_SAYING or canonical in choices or column in taken:
            continue
        rivals = [(other, s) for (name, other), s in scores.items() if name == canonical and other != column]
        near = sorted((r for r in rivals if r[1] >= WORTH_SAYING and r[0] not in taken), key=lambda r: -r[1])
        is_full = column not in unsure.get(canonical, ())
        is_sure = score >= SURE and is_full and not any(s > score - 0.05 for _, s in near)
        others = tuple(other for other, _ in near[:3])
        choices[canonical] = Choice(canonical, column, is_sure, others, likeness(column, canonical)[1])
        taken.add(column)
    return choices


def _score(canonical: Canonical, column: Column, held: Content, contract: TouchpointContract, rows: int) -> float:
    if not fits(held.kind, canonical.data_type):
        return 0.0
    if canonical.data_type.startswith("decimal") and SHARE.search(column.name.lower()):
        return 0.0  # money is no share of it
    good = [value for value in column.values if value in canonical.allowed]
    if canonical.allowed and len(good) < ENOUGH * len(column.values):
        return 0.0  # words of its own: only a mapping in SQL can turn them into the contract's
    if canonical.name in ("email", "currency") or held.kind in ("email", "currency"):
        return 1.0 if canonical.name == held.kind else 0.0
    by_name = likeness(column.name, canonical.name)[0]
    if canonical.required and canonical.name == contract.key[0]:
        by_name = _as_key(by_name, column, contract, rows)
    if canonical.allowed and held.kind != "empty":
        by_name = max(by_name, 0.5)
    if held.kind == "empty":
        return 0.8 * by_name
    return max(by_name, _by_content(canonical, column, held, contract, rows))


def _as_key(by_name: float, column: Column, contract: TouchpointContract, rows: int) -> float:
    """How much a name speaks for the key of a touchpoint, given how often its values repeat."""
    is_alone = len(contract.key) == 1
    if is_bare_id(column.name) and column.filled == rows:
        by_name = max(by_name, 0.92 if is_alone else 0.85)  # of lines it may be the line's own
    # A row of what happened once has a key of its own; facts that change repeat theirs with every version.
    repeats = is_alone and not contract.mutable and column.distinct < REPEATING * rows
    return 0.6 * by_name if repeats else by_name


def _by_content(canonical: Canonical, column: Column, held: Content, contract: TouchpointContract, rows: int) -> float:
    """How much the values alone speak for a column; never enough to be sure."""
    varied = column.distinct / max(column.filled, 1)
    if canonical.name == contract.occurred_at:
        return 0.5 if held.kind == "instant" else 0.0
    if canonical.name == contract.key[0] and canonical.required:
        is_id = held.kind in ("integer", "text") and column.filled == rows
        return 0.45 + 0.03 * varied if is_id and varied > 0.2 else 0.0
    if canonical.name == "account_id" and contract.name in ("orders", "events", "subscriptions"):
        is_id = held.kind in ("integer", "text") and column.distinct > 20
        return 0.44 if is_id and (varied < 0.7 or contract.name == "subscriptions") else 0.0
    if canonical.name == "quantity":
        return 0.43 if held.kind in ("integer", "boolean") and held.largest < 1_000 and column.distinct < 100 else 0.0
    if canonical.name == "unit_price":
        return 0.43 if held.kind == "decimal" and held.has_fractions else 0.0
    if canonical.name == "event_type":
        return 0.43 if held.kind == "text" and column.distinct < 50 else 0.0
    return 0.0
