"""What a check found, as data.

Belongs here: the findings. Does not belong here: finding them (``examine``), words for the terminal (``words``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from orchestration.checking.rhythm import Rhythm, Standing, Suggestion


@dataclass(frozen=True)
class RuleFinding:
    """Rows of one file that one rule sends to quarantine."""

    rule: str
    column: str | None
    rows: int
    first_line: int
    example: str
    """The shape of the first value, letters as x and digits as 9; never the value."""


@dataclass(frozen=True)
class FileFinding:
    """One file. ``rows_in = accepted + quarantined + duplicates + refused`` unless it is refused as a whole."""

    touchpoint: str
    file: str
    rows_in: int = 0
    accepted: int = 0
    quarantined: int = 0
    duplicates: int = 0
    refused: int = 0
    rules: tuple[RuleFinding, ...] = ()
    unused: tuple[tuple[str, str | None], ...] = ()
    """Columns of the file that nothing reads, each with the canonical one that it looks like."""
    error: str | None = None
    """Why the file as a whole cannot be landed."""
    has_landed_before: bool = False


@dataclass(frozen=True)
class AsOfs:
    """Which as-ofs the shop's files allow; None where they allow none."""

    first: date
    last: date
    first_trainable: date | None
    """From here on some snapshot has a finished outcome."""
    last_evaluable: date | None
    """Up to here the outcome of the horizon has landed."""
    default: date
    """What a run without --as-of takes."""
    training_snapshots: int
    """That a training at the default as-of would have."""
    now: Standing
    """At the default as-of; its outcome lies ahead."""
    labelled: Standing | None
    """At the newest training snapshot of the default as-of, where the outcome is known."""


@dataclass(frozen=True)
class Findings:
    """All of a check."""

    shop: str
    files: tuple[FileFinding, ...]
    left_alone: dict[str, str]
    unmatched: tuple[str, ...]
    """Files that no touchpoint asks for."""
    without_file: tuple[str, ...]
    """Touchpoints that no file is for."""
    activity: str
    rhythm: Rhythm | None
    suggestion: Suggestion | None
    as_ofs: AsOfs | None
    troubles: tuple[str, ...]
    """What stands in the way of scores, in sentences with the next step; files apart."""
    notes: tuple[str, ...]

    @property
    def can_land(self) -> bool:
        """Whether a landing would leave the shop with some row, or has already."""
        return any(file.accepted or file.has_landed_before for file in self.files)
