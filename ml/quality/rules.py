"""A rule: what must hold, how bad it is when it does not, and what it is checked on.

Belongs here: the vocabulary of rules. Does not belong here: which rules a table has (``suites``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """A failed critical rule stops publication, a failed warning is shown."""

    CRITICAL = "critical"
    WARNING = "warning"


class Kind(StrEnum):
    """What a rule says. The first three hold of each row by itself, the others of tables and between them."""

    REQUIRED = "required"
    ALLOWED = "allowed"
    BETWEEN = "between"
    FINITE = "finite"
    UNIQUE_KEY = "unique_key"
    NO_FALL = "no_fall"
    NO_JUMP = "no_jump"
    NOT_CONSTANT = "not_constant"
    ONE_AS_OF = "one_as_of"
    NOT_SUPPRESSED = "not_suppressed"
    NOT_WITHDRAWN = "not_withdrawn"
    FOLLOWS_FLAG = "follows_flag"
    STANDING_GRANT = "standing_grant"


ROW_KINDS = (Kind.REQUIRED, Kind.ALLOWED, Kind.BETWEEN)


@dataclass(frozen=True)
class Rule:
    """One rule on one table, and on one column where ``column`` is given."""

    table: str
    kind: Kind
    column: str | None = None
    severity: Severity = Severity.CRITICAL
    allowed: tuple[str, ...] = ()
    min: float | None = None
    max: float | None = None
    need: str | None = None
    """Purpose, or ``purpose/channel``, that a permission rule asks about."""

    @property
    def name(self) -> str:
        """Unique within its table; letters, digits and underscores: ``churn_probability_between``."""
        parts = (self.column, self.need, self.kind.value)
        return re.sub(r"\W+", "_", "_".join(part for part in parts if part))

    @property
    def is_of_rows(self) -> bool:
        """Whether each row can be checked without the others."""
        return self.kind in ROW_KINDS


@dataclass(frozen=True)
class Measure:
    """What a rule on tables is decided by: a number and the range that it must keep, both ends included."""

    rule: Rule
    value: float
    min: float | None = None
    max: float | None = None


@dataclass(frozen=True)
class Finding:
    """How a rule came out. Never holds a value of the data."""

    check: str
    table: str
    column: str | None
    passed: bool
    severity: Severity
    failing_rows: int
    """Rows that break it; the number of groups for a unique key, 1 for a rule about the whole table."""
    detail: str = ""
    """Counts in words, or the kind of error that kept the check from running."""
