"""What is known of every generation beside its content: who wrote it, how it was judged, when readers saw it.

Belongs here: the records and their one file. Does not belong here: a generation's immutable content (``generation``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.publishing.generation import RECORDS, Generation, GenerationMeta, Order


@dataclass(frozen=True)
class Record:
    """One generation's runs and instants; it lies outside the immutable content."""

    generation_id: str
    inputs_id: str
    as_of: str
    as_of_date: str
    run_id: str
    started_at: str
    contract_version: int
    previous: str | None
    counts: dict[str, int] = field(default_factory=dict)
    audit: str | None = None
    """``passed`` or ``failed``; without a passed audit nothing is published."""
    published_at: str | None = None
    """First time the pointer moved here; None for a backfill that only wrote."""
    pointed_at: str | None = None
    """Last time the pointer moved here, by publishing or by rollback."""
    first_move: int | None = None
    """Number of the pointer's move that published it; moves are counted, since clocks may stand still."""
    last_move: int | None = None

    @property
    def order(self) -> Order:
        """Which generation is the newer one: see ``Order``."""
        return date.fromisoformat(self.as_of_date)


class Records:
    """``published/generations.json``, replaced whole at each change; its only writer holds the shop's run lock."""

    def __init__(self, published: Path) -> None:
        self.path = published / RECORDS

    def all(self) -> dict[str, Record]:
        if not self.path.exists():
            return {}
        return {entry["generation_id"]: Record(**entry) for entry in json.loads(self.path.read_text(encoding="utf-8"))}

    def get(self, generation_id: str) -> Record | None:
        return self.all().get(generation_id)

    def put(self, record: Record) -> None:
        self._write({**self.all(), record.generation_id: record})

    def update(self, generation_id: str, **changes: Any) -> Record:
        record = replace(self.all()[generation_id], **changes)
        self.put(record)
        return record

    def remove(self, generation_id: str) -> None:
        self._write({key: record for key, record in self.all().items() if key != generation_id})

    def _write(self, records: Mapping[str, Record]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{RECORDS}.writing")
        entries = [asdict(records[key]) for key in sorted(records)]
        temporary.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
        temporary.replace(self.path)


def record_of(generation: Generation, meta: GenerationMeta) -> Record:
    """The record of a generation that has just been written."""
    manifest = generation.manifest
    return Record(
        generation_id=manifest.generation_id, inputs_id=manifest.inputs_id, as_of=manifest.as_of,
        as_of_date=manifest.as_of_date, run_id=meta.run_id, started_at=meta.started_at.isoformat(),
        contract_version=manifest.contract_version, previous=manifest.previous, counts=manifest.rows,
    )  # fmt: skip
