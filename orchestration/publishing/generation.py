"""A generation: one immutable folder of published tables, and what is known about it.

Belongs here: names, the manifest, checking a folder against its manifest, the record of runs beside the folders.
Does not belong here: writing the content (``write``), moving the pointer (``files``).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

import pyarrow.parquet as pq

from orchestration.publishing.errors import PublishError

MANIFEST = "manifest.json"
RECORDS = "generations.json"
VIEWS = "views.duckdb"


Order = date
"""The daily as-of. Within a day the generation published last is the newest, be it the day's own, what a triggered run
made of it, or the day's own once more on what has landed since."""


@dataclass(frozen=True)
class GenerationMeta:
    """What the run that writes a generation says about itself."""

    shop: str
    inputs_id: str
    as_of: datetime
    """Naive UTC: the instant up to which everything was taken into account."""
    as_of_date: date
    """The daily partition, in the shop's time zone."""
    run_id: str
    started_at: datetime
    """Naive UTC, from the injected clock; kept in the record, never in the content."""
    notices: tuple[str, ...] = ()
    """Printed in the manifest: purposes that the shop assumes and why."""
    tables_as_of: datetime | None = None
    """Naive UTC: as-of of the tables that a triggered run takes over; None where all are of the as-of."""

    @property
    def order(self) -> Order:
        """Which generation is the newer one: see ``Order``."""
        return self.as_of_date

    @property
    def generation_id(self) -> str:
        return f"{self.as_of_date:%Y%m%d}-{self.inputs_id[:12]}"


@dataclass(frozen=True)
class Manifest:
    """``manifest.json``: says what the content is, and nothing about when or by whom it was made."""

    generation_id: str
    shop: str
    inputs_id: str
    as_of: str
    as_of_date: str
    contract_version: int
    columns: dict[str, dict[str, str]]
    rows: dict[str, int]
    sha256: dict[str, str]
    """By file name."""
    previous: str | None
    """The generation that ``updated_at`` and the changes refer to."""
    sources: dict[str, str]
    """sha256 of each file that was handed over, and of the suppressions and withdrawals that were applied."""
    notices: tuple[str, ...] = ()
    tables_as_of: str | None = None
    """As-of of the tables that a triggered run took over; None where all are of ``as_of``."""

    @property
    def order(self) -> Order:
        """Which generation is the newer one: see ``Order``."""
        return date.fromisoformat(self.as_of_date)

    @property
    def weighed_at(self) -> datetime:
        """Naive UTC: the instant up to which profiles, scores and permissions were weighed."""
        return datetime.fromisoformat(self.tables_as_of or self.as_of)

    @property
    def content_id(self) -> str:
        """Changes when any byte of the content does."""
        return hashlib.sha256(json.dumps(self.sha256, sort_keys=True).encode()).hexdigest()

    @property
    def as_of_instant(self) -> datetime:
        return datetime.fromisoformat(self.as_of)

    def write(self, folder: Path) -> None:
        text = json.dumps(asdict(self), indent=2, sort_keys=True)
        (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Generation:
    """One whole generation: resolved once, it stays the same while the pointer moves on."""

    folder: Path
    manifest: Manifest

    @property
    def generation_id(self) -> str:
        return self.manifest.generation_id

    def file(self, table: str) -> Path:
        return self.folder / f"{table}.parquet"

    @property
    def views(self) -> Path:
        """A DuckDB file with schema ``crm``; open it read-only."""
        return self.folder / VIEWS

    def verify(self) -> None:
        """Compare the folder with its manifest: files, row counts, hashes.

        Raises
        ------
        PublishError
            A file is missing, short or changed.
        """
        for table, rows in self.manifest.rows.items():
            path = self.file(table)
            if not path.exists():
                raise PublishError(f"{path} is missing: write the generation again")
            if file_hash(path) != self.manifest.sha256[path.name]:
                raise PublishError(f"{path} was changed after it was written: write the generation again")
            found = pq.ParquetFile(path).metadata.num_rows
            if found != rows:
                raise PublishError(f"{path} has {found} rows, its manifest says {rows}: write the generation again")


def read_generation(folder: Path) -> Generation | None:
    """The generation in ``folder``, or None where there is none."""
    path = folder / MANIFEST
    if not path.exists():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    return Generation(folder, Manifest(**{**content, "notices": tuple(content["notices"])}))


def file_hash(path: Path) -> str:
    """sha256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
