"""Which rules a published table has, derived from its description in the contract.

Belongs here: the derivation. Does not belong here: reading the contract (``orchestration.publishing.contract``;
its dataclasses fit the protocols below), running rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ml.quality.rules import Kind, Rule, Severity

FALL = 0.5
"""A table that keeps less than this share of its previous rows is not published."""
JUMP = 2.0
"""A table that grows by more than this factor is shown as a warning."""
FEW_ROWS = 10
"""Changes by fewer rows than this are not judged: half of three customers may well leave."""
ENOUGH_TO_VARY = 100
"""From this many scores on, one value for all is a broken model."""


class NeedLike(Protocol):
    """A purpose, by channel where one applies."""

    @property
    def purpose(self) -> str: ...
    @property
    def channel(self) -> str | None: ...


class ColumnLike(Protocol):
    """What the derivation reads of a column."""

    @property
    def name(self) -> str: ...
    @property
    def data_type(self) -> str: ...
    @property
    def required(self) -> bool: ...
    @property
    def allowed(self) -> tuple[str, ...] | None: ...
    @property
    def min(self) -> float | None: ...
    @property
    def max(self) -> float | None: ...


class TableLike(Protocol):
    """What the derivation reads of a table."""

    @property
    def name(self) -> str: ...
    @property
    def is_feed(self) -> bool: ...
    @property
    def varies(self) -> bool: ...
    @property
    def published_columns(self) -> Sequence[ColumnLike]: ...
    @property
    def person_columns(self) -> tuple[str, ...]: ...
    @property
    def needed(self) -> Sequence[NeedLike]: ...


def suite(table: TableLike) -> list[Rule]:
    """Every rule of one table, in a fixed order and independent of the data.

    >>> [rule.name for rule in suite(table)]            # doctest: +SKIP
    ['customer_id_required', 'churn_probability_between', 'unique_key', ...]
    """
    rules = [rule for column in table.published_columns for rule in _of_column(table, column)]
    rules.append(Rule(table.name, Kind.UNIQUE_KEY))
    if not table.is_feed:
        fall = Severity.WARNING if table.varies else Severity.CRITICAL
        rules += [Rule(table.name, Kind.NO_FALL, severity=fall)]
        rules += [Rule(table.name, Kind.NO_JUMP, severity=Severity.WARNING)]
    if any(column.name == "as_of" for column in table.published_columns):
        rules.append(Rule(table.name, Kind.ONE_AS_OF, column="as_of"))
    rules += [Rule(table.name, Kind.NOT_SUPPRESSED, column=column) for column in table.person_columns]
    for need in table.needed:
        name = need.purpose if need.channel is None else f"{need.purpose}/{need.channel}"
        rules += [
            Rule(table.name, kind, need=name) for kind in (Kind.NOT_WITHDRAWN, Kind.FOLLOWS_FLAG, Kind.STANDING_GRANT)
        ]
    return rules


def _of_column(table: TableLike, column: ColumnLike) -> list[Rule]:
    rules = []
    if column.required:
        rules.append(Rule(table.name, Kind.REQUIRED, column.name))
    if column.allowed is not None:
        rules.append(Rule(table.name, Kind.ALLOWED, column.name, allowed=column.allowed))
    if column.min is not None or column.max is not None:
        rules.append(Rule(table.name, Kind.BETWEEN, column.name, min=column.min, max=column.max))
    if column.data_type == "double":
        rules.append(Rule(table.name, Kind.FINITE, column.name))
    if column.data_type == "double" and column.name.endswith("_probability") and not table.is_feed:
        rules.append(Rule(table.name, Kind.NOT_CONSTANT, column.name))
    return rules
