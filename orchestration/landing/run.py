"""The landing of one shop: every file that has arrived, those of one touchpoint one after the other.

Belongs here: which error stops what, leftovers of killed runs. Does not belong here: what becomes of one
file's rows (``batch``).
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Event

import duckdb

from orchestration.landing import sql
from orchestration.landing.arrivals import Arrival, arrivals
from orchestration.landing.batch import Job, commit, prepare, publish_quarantine, require_some_good_row
from orchestration.landing.contract import load_contract
from orchestration.landing.errors import FileChangedError, FileRefusedError, explained
from orchestration.landing.integrity import Fingerprint, fingerprint
from orchestration.landing.manifest import Manifest, batches, is_newest
from orchestration.landing.mapping import require_known_names
from orchestration.landing.report import FileError, LandingReport
from orchestration.landing.sightings import Sightings
from orchestration.privacy.keys import Keys, load_keys
from orchestration.shop import Shop
from orchestration.state import State

SIDE_BY_SIDE = 2
"""Touchpoints that are landed at once, each with its share of threads and memory: a file alone leaves cores idle."""
Connect = Callable[[], duckdb.DuckDBPyConnection]
"""Opens an in-memory connection with the caller's threads, memory_limit and temp_directory."""


def land(
    shop: Shop,
    state: State,
    landing_folder: Path,
    *,
    now: datetime,
    settle_seconds: float,
    connect: Connect,
    sleep: Callable[[float], None] = time.sleep,
) -> LandingReport:
    """Turn every new file of the landing folder into a raw batch. The caller holds the shop's lock.

    Parameters
    ----------
    now
        The landing instant, one for the whole landing (UTC).
    settle_seconds
        A file younger than this is watched for as long, once for all files together.

    Raises
    ------
    LandingError
        Nothing to land in a shop without a batch, a mapping that contradicts the contract, a full disk. A file
        that cannot be used is no such error: it stands in the report's ``errors``, stays in the landing folder,
        and the others go on.
    KeysError
        See ``orchestration.privacy.keys``.
    """
    workplace = _swept_workplace(state)
    require_known_names(shop, load_contract())
    known = batches(state)
    found = arrivals(
        shop, landing_folder, now=now, settle_seconds=settle_seconds, sleep=sleep, may_be_empty=bool(known)
    )
    side_by_side = min(SIDE_BY_SIDE, len({arrival.touchpoint for arrival in found.ready}))
    run = _Run(shop, state, load_keys(state), now, connect, workplace, known, max(side_by_side, 1))
    return run.over(found.ready, left_alone=found.left_alone, unmatched=found.unmatched)


@dataclass
class _Run:
    shop: Shop
    state: State
    keys: Keys
    now: datetime
    connect: Connect
    workplace: Path
    known: dict[str, list[Manifest]]
    side_by_side: int
    is_stopped: Event = field(default_factory=Event)
    """From now on no other file is begun: something has happened that concerns every file, or all are done."""

    def over(
        self, ready: Sequence[Arrival], *, left_alone: dict[str, str], unmatched: tuple[str, ...]
    ) -> LandingReport:
        """Land each file after those of its touchpoint before it; touchpoints know nothing of each other."""
        queues: dict[str, list[Arrival]] = {}
        for arrival in ready:
            queues.setdefault(arrival.touchpoint, []).append(arrival)
        longest_first = sorted(queues.values(), key=lambda queue: -sum(arrival.look.size for arrival in queue))
        with ThreadPoolExecutor(self.side_by_side) as pool:
            working = [pool.submit(self._queue, queue) for queue in longest_first]
            try:
                wait(working, return_when=FIRST_EXCEPTION)
            finally:
                self.is_stopped.set()
            outcomes = {arrival: outcome for one in working for arrival, outcome in one.result().items()}
        landed, errors, unchanged, left_alone = [], [], [], dict(left_alone)
        for arrival in ready:
            match outcomes[arrival]:
                case FileChangedError() as error:
                    left_alone[arrival.file] = str(error)
                case FileRefusedError() as error:
                    errors.append(FileError(arrival.touchpoint, arrival.file, str(error)))
                case None:
                    unchanged.append(arrival.file)
                case Manifest() as manifest:
                    landed.append(manifest)
        return LandingReport(tuple(landed), tuple(errors), tuple(unchanged), left_alone, unmatched)

    def _queue(self, queue: Sequence[Arrival]) -> dict[Arrival, Manifest | FileRefusedError | None]:
        """What became of each file: its batch, why it was refused, or None where it had been landed before."""
        outcomes: dict[Arrival, Manifest | FileRefusedError | None] = {}
        touchpoint = queue[0].touchpoint
        seen = Sightings(self.state.sightings / f"{touchpoint}.jsonl", self.known.get(touchpoint, []))
        for arrival in queue:
            if self.is_stopped.is_set():
                break
            try:
                with explained(f"{arrival.touchpoint}: {arrival.file}"):
                    outcomes[arrival] = self._one(arrival, seen)
            except FileRefusedError as error:
                outcomes[arrival] = error
        return outcomes

    def _one(self, arrival: Arrival, seen: Sightings) -> Manifest | None:
        if seen.is_untouched(arrival):
            return None
        content = fingerprint(arrival.path, self.shop.touchpoints[arrival.touchpoint].encoding)
        manifest = None if seen.is_same(arrival, content.sha256) else self._landed(arrival, content, seen.is_new)
        seen.note(arrival, content.sha256)
        return manifest

    def _landed(self, arrival: Arrival, content: Fingerprint, may_be_old: bool) -> Manifest | None:
        """A batch of the file, or None where its bytes, which are one already, say nothing that is not known."""
        contract = load_contract()[arrival.touchpoint]
        earlier = self.known.setdefault(arrival.touchpoint, [])
        times = sum(batch.sha256 == content.sha256 for batch in earlier)
        if times and (may_be_old or contract.counts_once or is_newest(content.sha256, earlier)):
            return None
        job = Job(arrival, content, contract, self.shop, self.state, self.keys, self.now, times)
        with _scratch(self.workplace / job.batch_id) as scratch, self._engine(scratch) as connection:
            manifest = prepare(connection, job, earlier, scratch)
            if times and not manifest.accepted:
                return None
            if manifest.quarantined == manifest.rows_in:
                publish_quarantine(job, manifest, scratch)
            require_some_good_row(manifest)
            commit(connection, job, manifest, scratch)
        earlier.append(manifest)
        return manifest

    def _engine(self, scratch: Path) -> duckdb.DuckDBPyConnection:
        """An engine of the file's own, as rejected lines of all files that one engine reads stand in one table."""
        connection = self.connect()
        settings = "select current_setting('threads'), current_setting('memory_limit')"
        threads, limit = connection.execute(settings).fetchall()[0]
        amount, unit = limit.split()
        connection.execute(f"set threads = {max(threads // self.side_by_side, 1)}")
        connection.execute(f"set memory_limit = '{float(amount) / self.side_by_side} {unit}'")
        connection.execute(f"set temp_directory = {sql.text(str(scratch / 'spill'))}")
        return connection


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _swept_workplace(state: State) -> Path:
    """Where files are prepared: on the data's own disk, so that a rename makes them visible, and empty at first."""
    workplace = state.temporary / "landing"
    shutil.rmtree(workplace, ignore_errors=True)
    workplace.mkdir(parents=True)
    return workplace
