"""Suppressions and withdrawals as files: they act at once, also where Postgres is not reachable.

Belongs here: ``suppressions.parquet``, ``withdrawals.parquet`` and ``identifiers.parquet`` in the folder ``privacy`` of
a shop, each replaced whole by one rename. Does not belong here: what they take away (``permissions``), consents from
the shop's own files (dbt).

An entry is of a customer id, which a merge or a split of persons ends; so it is kept by what the customer was known,
and passes to whoever is known by it next. A person merged of one who is hidden and one who is not is hidden.

No rollback undoes an entry. A withdrawal stands until it is reinstated, even when a later generation knows nothing
of it: the shop's consent file may be late, and what is not known to be granted is refused. One that a request to be
erased made of everybody who may have asked stands until it is known who did.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Question = tuple[str, str, str | None]
"""Customer, purpose, channel (None: all)."""
Entry = tuple[datetime, str]
"""Since when a customer is hidden, and why."""
Taken = tuple[datetime, str | None]
"""Since when a purpose is taken back, and by which request to be erased where that does not tell who asked."""
Name = tuple[str, str]
"""A customer and an identifier of theirs, ``<type>:<value>``."""
TEXT, INSTANT = pa.string(), pa.timestamp("us")
SUPPRESSION_SCHEMA = pa.schema([("customer_id", TEXT), ("since", INSTANT), ("reason", TEXT)])
WITHDRAWAL_SCHEMA = pa.schema(
    [("customer_id", TEXT), ("purpose", TEXT), ("channel", TEXT), ("withdrawn_at", INSTANT), ("request_id", TEXT)]
)
IDENTIFIER_SCHEMA = pa.schema([("customer_id", TEXT), ("identifier_id", TEXT)])


@dataclass(frozen=True)
class Changes:
    """What becomes of both lists."""

    hidden: Mapping[str, Entry]
    names: frozenset[Name]
    """Of customers in either list."""
    withdrawn: Mapping[Question, Taken] = field(default_factory=dict)
    granted: frozenset[Question] = frozenset()
    """In force as withdrawn, and granted again, or taken back by a request of which it is known by now who asked."""

    def __bool__(self) -> bool:
        return bool(self.hidden or self.withdrawn or self.granted)


@dataclass(frozen=True)
class Privacy:
    """The folder ``privacy`` of a shop."""

    folder: Path

    @property
    def suppressions(self) -> Path:
        """customer_id, since (naive UTC), reason; one row per customer."""
        return self.folder / "suppressions.parquet"

    @property
    def withdrawals(self) -> Path:
        """customer_id, purpose, channel (null: all), withdrawn_at (naive UTC), request_id (see ``Taken``); one row per
        the first three."""
        return self.folder / "withdrawals.parquet"

    @property
    def identifiers(self) -> Path:
        """customer_id, identifier_id: by what those in either list have been known since they came into it."""
        return self.folder / "identifiers.parquet"

    def prepare(self) -> None:
        """Make the typed empty files that views read before anybody is suppressed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for path, schema in (
            (self.suppressions, SUPPRESSION_SCHEMA),
            (self.withdrawals, WITHDRAWAL_SCHEMA),
            (self.identifiers, IDENTIFIER_SCHEMA),
        ):
            if not path.exists():
                _write(path, schema, [])

    def suppress(self, customer_ids: Iterable[str], since: datetime, reason: str) -> None:
        """Hide customers everywhere, from now on. One already suppressed keeps the first instant and reason."""
        self.hide(dict.fromkeys(customer_ids, (since, reason)))

    def follow(self, changes: Changes) -> None:
        """Names first: were this killed in the middle, an entry without them would be lost with its customer id."""
        self.name(changes.names)
        self.hide(changes.hidden)
        self.change(changes.withdrawn, changes.granted)

    def hide(self, entries: Mapping[str, Entry]) -> None:
        """The same for customers of whom each has an instant and a reason of their own."""
        with self._alone():
            rows = {row["customer_id"]: row for row in self.suppressed()}
            for customer_id, (since, reason) in entries.items():
                rows.setdefault(customer_id, {"customer_id": customer_id, "since": since, "reason": reason})
            _write(self.suppressions, SUPPRESSION_SCHEMA, list(rows.values()))

    def withdraw(self, customer_ids: Iterable[str], purpose: str, channel: str | None, at: datetime) -> None:
        """Take a purpose away, on one channel or (None) on all."""
        self.change({(customer_id, purpose, channel): (at, None) for customer_id in customer_ids}, ())

    def reinstate(self, customer_ids: Iterable[str], purpose: str, channel: str | None) -> None:
        """Lift a withdrawal after a new grant; whether the value shows is then up to the generation."""
        self.change({}, [(customer_id, purpose, channel) for customer_id in customer_ids])

    def change(self, withdrawn: Mapping[Question, Taken], granted: Iterable[Question]) -> None:
        """Lift and take away in one step; what is withdrawn already keeps its first instant."""
        with self._alone():
            rows = {question(row): row for row in self.withdrawn()}
            for key in granted:
                rows.pop(key, None)
            for key, taken in withdrawn.items():
                rows.setdefault(key, dict(zip(WITHDRAWAL_SCHEMA.names, (*key, *taken), strict=True)))
            _write(self.withdrawals, WITHDRAWAL_SCHEMA, list(rows.values()))

    def name(self, names: Iterable[Name]) -> None:
        """Keep by what customers in the lists are known."""
        with self._alone():
            known = self.names()
            if not known.issuperset(names):
                rows = [{"customer_id": customer, "identifier_id": one} for customer, one in known.union(names)]
                _write(self.identifiers, IDENTIFIER_SCHEMA, rows)

    def unsuppress(self, customer_ids: Iterable[str]) -> None:
        """Undo a suppression made in error, of everybody to whom it has passed: they are to be named, too."""
        gone = set(customer_ids)
        with self._alone():
            kept = [row for row in self.suppressed() if row["customer_id"] not in gone]
            _write(self.suppressions, SUPPRESSION_SCHEMA, kept)

    def suppressed(self) -> list[dict[str, Any]]:
        self.prepare()
        return list(pq.read_table(self.suppressions).to_pylist())

    def withdrawn(self) -> list[dict[str, Any]]:
        """Also of a file that an earlier release wrote, which knew of no requests."""
        self.prepare()
        return [{"request_id": None, **row} for row in pq.read_table(self.withdrawals).to_pylist()]

    def names(self) -> set[Name]:
        self.prepare()
        return {(row["customer_id"], row["identifier_id"]) for row in pq.read_table(self.identifiers).to_pylist()}

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Read, change and write without another entry between: commands for it need not hold the shop's run lock."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @property
    def state_id(self) -> str:
        """Hash of both lists; part of a run's input manifest, since writing applies them."""
        self.prepare()
        content = [pq.read_table(path).to_pylist() for path in (self.suppressions, self.withdrawals)]
        return hashlib.sha256(repr(content).encode()).hexdigest()


def question(row: Mapping[str, Any]) -> Question:
    """What a row of the withdrawals is about."""
    return row["customer_id"], row["purpose"], row["channel"]


def _write(path: Path, schema: pa.Schema, rows: Sequence[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.writing")
    ordered = sorted(rows, key=lambda row: tuple(str(row[name]) for name in schema.names))
    pq.write_table(pa.Table.from_pylist(ordered, schema=schema), temporary)
    temporary.replace(path)
