"""The state of one shop on disk: where each thing lies, which format it has, and who may write it.

Belongs here: paths, the format version, the exclusive lock. Does not belong here: what the files hold
(landing, publishing and privacy each know their own).
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestration.files import write_text_atomically

FORMAT_VERSION = 2
"""Raised when the layout below changes; ``MIGRATIONS[n]`` then turns n into n + 1."""


class StateError(RuntimeError):
    """The state on disk cannot be used as it is; the message says what to do."""


class BusyError(StateError):
    """Another process works on the shop; the message names which."""


@dataclass(frozen=True)
class State:
    """Folders and files of one shop under the data folder, and its keys outside it."""

    data_dir: Path
    keys_dir: Path
    shop: str

    @property
    def root(self) -> Path:
        return self.data_dir / self.shop

    @property
    def landing(self) -> Path:
        """Default landing folder, where the shop's files arrive."""
        return self.root / "landing"

    @property
    def raw(self) -> Path:
        """``raw/<touchpoint>/<batch_id>/{rows.parquet,manifest.json}``, immutable."""
        return self.root / "raw"

    @property
    def sightings(self) -> Path:
        """``sightings/<touchpoint>.jsonl``: what the files of the landing folder held when they were dealt with."""
        return self.root / "sightings"

    @property
    def quarantine(self) -> Path:
        """``quarantine/<touchpoint>/<batch_id>.parquet``: rows refused at the door."""
        return self.root / "quarantine"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse.duckdb"

    @property
    def identity(self) -> Path:
        return self.root / "identity"

    @property
    def features(self) -> Path:
        return self.root / "features"

    @property
    def scores(self) -> Path:
        return self.root / "scores"

    @property
    def ledger(self) -> Path:
        """Append-only ledgers (identity, later decisions) and the pinned input manifests."""
        return self.root / "ledger"

    @property
    def published(self) -> Path:
        """``published/<generation>/…`` and the pointer ``published/current``."""
        return self.root / "published"

    @property
    def privacy(self) -> Path:
        """Suppressions and withdrawals that act at once, and the tombstones of the erased."""
        return self.root / "privacy"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def dagster(self) -> Path:
        return self.root / "dagster"

    @property
    def tuning(self) -> Path:
        """``tuning/studies.db``: trials of settings and their losses, so that a killed search goes on."""
        return self.root / "tuning"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def dbt(self) -> Path:
        """What dbt parsed and compiled last."""
        return self.root / "dbt"

    @property
    def temporary(self) -> Path:
        """DuckDB's spill folder; everything in it may be deleted between runs."""
        return self.root / "tmp"

    @property
    def mlflow(self) -> Path:
        return self.data_dir / "mlflow"

    @property
    def keys(self) -> Path:
        return self.keys_dir / self.shop

    def prepare(self) -> None:
        """Make the root and stamp or check ``format_version``.

        Raises
        ------
        StateError
            The state was written by a newer release, or by an older one without a migration.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        stamp = self.root / "format_version"
        if not stamp.exists() or not stamp.stat().st_size:  # one byte that did not fit on the disk left it empty
            write_text_atomically(stamp, f"{FORMAT_VERSION}\n")
        found = int(stamp.read_text())
        while found < FORMAT_VERSION:
            migrate = MIGRATIONS.get(found)
            if not callable(migrate):
                raise StateError(
                    f"{self.root} has format {found}, this release writes {FORMAT_VERSION} and has no migration "
                    "from it: run the release in between first, or start a new data folder"
                )
            migrate(self)
            found += 1
            write_text_atomically(stamp, f"{found}\n")
        if found > FORMAT_VERSION:
            raise StateError(
                f"{self.root} has format {found}, this release knows {FORMAT_VERSION}: it was written by a newer "
                "release of Regulars; upgrade, or restore a backup made with this one"
            )

    @contextmanager
    def exclusive(self, holder: str) -> Iterator[None]:
        """The one exclusive run lock of the shop, shared by command line and daemon; freed by the kernel if killed.

        Raises
        ------
        BusyError
            Another process holds it.
        """
        self.prepare()
        path = self.root / "lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BusyError(
                    f"shop {self.shop} is busy: {file.read() or 'another run'} holds {path}; wait for it to end"
                ) from None
            file.truncate(0)
            file.write(json.dumps({"pid": os.getpid(), "holder": holder}))
            file.flush()
            try:
                yield
            finally:
                file.seek(0)
                file.truncate(0)


def _refuse_addresses(state: State) -> None:
    """Format 1 kept e-mail addresses and phone numbers of some touchpoints where their tokens belong."""
    raise StateError(
        f"{state.root} was written by a release that kept addresses and phone numbers where their tokens belong. "
        "Delete everything in it but the folder landing (the keys stay), and run again: the files are landed anew"
    )


MIGRATIONS: dict[int, object] = {1: _refuse_addresses}
