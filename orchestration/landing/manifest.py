"""What is known about a raw batch: the manifest beside its rows.

Belongs here: its fields, reading and writing, listing all batches for pinning. Does not belong here: how the
counts come about (``batch``).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration.state import State


@dataclass(frozen=True)
class RuleCount:
    """How often a rule sent rows of a file to quarantine, and the first line of them; never a value."""

    rule: str
    column: str | None
    rows: int
    first_line: int


@dataclass(frozen=True)
class Manifest:
    """One landed file. ``rows_in = accepted + quarantined + duplicates + refused + erased``."""

    touchpoint: str
    batch_id: str
    file: str
    """Its path within the landing folder."""
    sha256: str
    size: int
    modified_ns: int
    landed_at: str
    """Landing instant, naive UTC in ISO form."""
    rows_in: int
    accepted: int
    quarantined: int
    duplicates: int
    refused: int
    erased: int
    rules: tuple[RuleCount, ...]
    first_occurred_at: str | None
    last_occurred_at: str | None
    consent_assumptions: tuple[str, ...]
    contract_sha256: str
    mapping_sha256: str

    def require_balance(self) -> None:
        """Every row that came in is accounted for, or nothing is written."""
        out = self.accepted + self.quarantined + self.duplicates + self.refused + self.erased
        if out != self.rows_in:
            raise AssertionError(f"{self.file}: {self.rows_in} rows came in, but {out} are accounted for: {self}")

    def overlaps(self, first: datetime, last: datetime) -> bool:
        """Whether some row may lie between the two instants (naive UTC)."""
        if self.first_occurred_at is None or self.last_occurred_at is None:
            return False
        mine = datetime.fromisoformat(self.first_occurred_at), datetime.fromisoformat(self.last_occurred_at)
        return mine[0] <= last and first <= mine[1]

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_manifest(path: Path) -> Manifest:
    """One batch's manifest."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    content["rules"] = tuple(RuleCount(**rule) for rule in content["rules"])
    content["consent_assumptions"] = tuple(content["consent_assumptions"])
    return Manifest(**content)


def batches(state: State) -> dict[str, list[Manifest]]:
    """Every batch of the shop by touchpoint, in the order of landing; touchpoints without one are absent."""
    found: dict[str, list[Manifest]] = defaultdict(list)
    for path in sorted(state.raw.glob("[!.]*/[!.]*/manifest.json")):
        found[path.parts[-3]].append(read_manifest(path))
    return {
        touchpoint: sorted(several, key=lambda batch: (batch.landed_at, batch.file, batch.batch_id))
        for touchpoint, several in found.items()
    }


def is_newest(sha256: str, landed: Sequence[Manifest]) -> bool:
    """Whether no other file has brought a row since these bytes were landed last; they were, at least once."""
    last = max(batch.landed_at for batch in landed if batch.sha256 == sha256)
    return not any(batch.accepted and batch.sha256 != sha256 and batch.landed_at >= last for batch in landed)


def rows_path(state: State, batch: Manifest) -> Path:
    """The Parquet file with a batch's accepted rows."""
    return state.raw / batch.touchpoint / batch.batch_id / "rows.parquet"
