"""Publish to files: the pointer ``published/current``, which generations stay, and the way back.

Belongs here: everything that moves or reads the pointer. Does not belong here: writing and auditing generations,
Postgres (which has a pointer of its own).

The pointer is a relative symbolic link that one rename replaces, so a reader sees the old generation or the new
one, never half of each. A reader resolves it once (``current_generation``) and then reads that folder.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orchestration.publishing.errors import PublishError
from orchestration.publishing.generation import Generation, GenerationMeta, read_generation
from orchestration.publishing.records import Record, Records
from orchestration.publishing.write import TRASH

POINTER = "current"
KEEP_OLD = 2
"""Old generations that stay for rollback and for readers that are still at them."""


@dataclass(frozen=True)
class Outcome:
    """What publishing to one sink did."""

    generation_id: str
    moved: bool
    """Whether readers see another generation than before."""
    reason: str
    removed: tuple[str, ...] = ()
    """Old generations that went."""
    postponed: tuple[str, ...] = ()
    """Old generations that a reader still holds; they go at the next publish."""


def current_generation(published: Path) -> Generation | None:
    """What readers see now, whole: resolve once, then read ``generation.file(table)`` as often as you like."""
    try:
        target = os.readlink(published / POINTER)  # noqa: PTH115 (the link's own text, one system call)
    except FileNotFoundError:
        return None
    return read_generation(published / target)


@dataclass(frozen=True)
class FileSink:
    """The published folder of one shop. Its methods expect the caller to hold the shop's run lock."""

    published: Path

    @property
    def records(self) -> Records:
        return Records(self.published)

    def generation(self, generation_id: str) -> Generation | None:
        return read_generation(self.published / generation_id)

    def current(self) -> Generation | None:
        return current_generation(self.published)

    def previous_for(self, meta: GenerationMeta) -> Generation | None:
        """The published generation that a new one is compared with: the current one, unless it is of a later as-of.

        One that was published already keeps what it was compared with.
        """
        known = self.records.get(meta.generation_id)
        is_here = self.generation(meta.generation_id) is not None
        if known is not None and known.published_at is not None and is_here:
            return self.generation(known.previous) if known.previous else None
        current = self.current()
        if current is not None and current.manifest.order <= meta.order:
            return current
        earlier = [record for record in self._published() if record.order <= meta.order]
        return self.generation(earlier[-1].generation_id) if earlier else None

    def publish(self, generation_id: str, at: datetime) -> Outcome:
        """Point readers to a generation that passed its audit, then remove what is older than two old ones.

        Parameters
        ----------
        at
            Naive UTC, kept in the record.

        Raises
        ------
        PublishError
            Unknown generation, not audited or failed, or its files do not match its manifest.
        """
        generation = self._require(generation_id)
        record = self.records.get(generation_id)
        if record is None or record.audit != "passed":
            state = "failed its audit" if record and record.audit else "was not audited"
            raise PublishError(f"{generation_id} {state}; readers keep what they have")
        if reason := self.refusal(generation):
            return Outcome(generation_id, False, reason)
        generation.verify()
        return self._point(generation, at, "published")

    def refusal(self, generation: Generation) -> str | None:
        """Why readers keep what they have instead of a generation that is good in itself; None where nothing is."""
        current, record = self.current(), self.records.get(generation.generation_id)
        if current is None or current.generation_id == generation.generation_id:
            return None
        if current.manifest.order > generation.manifest.order:
            return f"{current.generation_id} is of a later as-of; only rollback goes back"
        is_behind = current.manifest.tables_as_of and current.manifest.order == generation.manifest.order
        if is_behind and record is not None and record.published_at is not None:
            return f"{current.generation_id} holds the live actions decided since; only rollback goes back"
        return None

    def rollback(self, at: datetime, to: str | None = None) -> Outcome:
        """Point readers back to the published generation before the current one, or to a named one.

        Raises
        ------
        PublishError
            There is none before, or the named one is unknown or was never published.
        """
        generation = self.way_back(to)
        generation.verify()
        return self._point(generation, at, "rolled back")

    def way_back(self, to: str | None = None) -> Generation:
        """The generation that a rollback points readers to; errors as for ``rollback``."""
        target = to or self._before_current()
        generation = self._require(target)
        record = self.records.get(target)
        if record is None or record.published_at is None:
            raise PublishError(f"{target} was never published, so there is no way back to it. {self._choices()}")
        return generation

    def _before_current(self) -> str:
        current = self.current()
        published = [record.generation_id for record in self._published()]
        if current is None or current.generation_id not in published:
            raise PublishError("nothing is published yet, so there is nothing to roll back")
        place = published.index(current.generation_id)
        if place == 0:
            raise PublishError(f"no published generation is left before {current.generation_id}. {self._choices()}")
        return published[place - 1]

    def _point(self, generation: Generation, at: datetime, verb: str) -> Outcome:
        current = self.current()
        moved = current is None or current.generation_id != generation.generation_id
        if moved:
            # Recorded first: a generation that readers may have seen must never count as unpublished.
            self._record_move(generation.generation_id, at)
            link = self.published / f".{POINTER}.writing"
            link.unlink(missing_ok=True)
            link.symlink_to(generation.generation_id, target_is_directory=True)
            link.replace(self.published / POINTER)
        removed = self._remove_old()
        return Outcome(generation.generation_id, moved, verb if moved else "already current", removed)

    def _record_move(self, generation_id: str, at: datetime) -> None:
        records = self.records.all()
        move = 1 + max((record.last_move or 0 for record in records.values()), default=0)
        record = records[generation_id]
        self.records.update(
            generation_id, published_at=record.published_at or at.isoformat(), pointed_at=at.isoformat(),
            first_move=record.first_move or move, last_move=move,
        )  # fmt: skip

    def _remove_old(self) -> tuple[str, ...]:
        current = self.current()
        old = [record for record in self._published() if current and record.generation_id != current.generation_id]
        gone = [record.generation_id for record in sorted(old, key=_last_move)[: max(len(old) - KEEP_OLD, 0)]]
        for generation_id in gone:
            # Renamed first, so that a kill in the middle leaves no folder that looks whole.
            trash = (self.published / generation_id).rename(self.published / f"{TRASH}{generation_id}")
            shutil.rmtree(trash)
        return tuple(gone)

    def _published(self) -> list[Record]:
        """Records of the generations that readers have seen and that are still here, oldest as-of first."""
        here = [
            record
            for record in self.records.all().values()
            if record.published_at is not None and (self.published / record.generation_id).is_dir()
        ]
        return sorted(here, key=lambda record: (record.order, record.first_move or 0))

    def _require(self, generation_id: str) -> Generation:
        generation = self.generation(generation_id)
        if generation is None:
            raise PublishError(f"no generation {generation_id} in {self.published}. {self._choices()}")
        return generation

    def _choices(self) -> str:
        names = [record.generation_id for record in self._published()]
        return f"Published and still here: {', '.join(names) or 'none'}"


def _last_move(record: Record) -> int:
    return record.last_move or 0
