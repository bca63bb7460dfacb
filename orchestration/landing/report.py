"""What a landing did, for a person and for the run's metadata.

Belongs here: the outcome per file and its words. Does not belong here: any cell of any row.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.landing.manifest import Manifest, RuleCount


@dataclass(frozen=True)
class FileError:
    """A file that could not be landed and stays where it is."""

    touchpoint: str
    file: str
    message: str


@dataclass(frozen=True)
class LandingReport:
    """One landing, file by file. Counts are rows."""

    landed: tuple[Manifest, ...] = ()
    errors: tuple[FileError, ...] = ()
    unchanged: tuple[str, ...] = ()
    """Files that brought nothing new: landed before, or a copy of what was."""
    left_alone: dict[str, str] | None = None
    """File: why it is not read yet."""
    unmatched: tuple[str, ...] = ()
    """Files that no touchpoint asks for."""

    @property
    def rows_in(self) -> int:
        return sum(batch.rows_in for batch in self.landed)

    @property
    def accepted(self) -> int:
        return sum(batch.accepted for batch in self.landed)

    @property
    def quarantined(self) -> int:
        return sum(batch.quarantined for batch in self.landed)

    def worst_rules(self, limit: int = 5) -> list[tuple[str, RuleCount]]:
        """The rules that sent most rows to quarantine, with their file."""
        every = [(batch.file, rule) for batch in self.landed for rule in batch.rules]
        return sorted(every, key=lambda pair: (-pair[1].rows, pair[0], pair[1].rule))[:limit]

    def lines(self) -> list[str]:
        """The report in plain lines: batches, worst rules, files that need a hand."""
        return [
            *(_batch_line(batch) for batch in self.landed),
            *(
                f"quarantine: {rule.rows:,} x {rule.rule}{f' in {rule.column}' if rule.column else ''}, "
                f"first at {file} line {rule.first_line:,}"
                for file, rule in self.worst_rules()
            ),
            *(f"not landed: {error.touchpoint}: {error.file}: {error.message}" for error in self.errors),
            *(f"left alone: {file}: {why}" for file, why in (self.left_alone or {}).items()),
            *([f"unchanged: {len(self.unchanged)} file(s) landed before"] if self.unchanged else []),
        ]


def _batch_line(batch: Manifest) -> str:
    others = {
        "quarantined": batch.quarantined,
        "duplicates": batch.duplicates,
        "refused": batch.refused,
        "erased": batch.erased,
    }
    if not batch.rows_in:
        return f"{batch.touchpoint}: {batch.file}: columns and no row, as on a day on which nothing happened"
    rest = "".join(f", {rows:,} {name}" for name, rows in others.items() if rows)
    return f"{batch.touchpoint}: {batch.file}: {batch.rows_in:,} rows in, {batch.accepted:,} accepted{rest}"
