"""A landing that leaves no trace: the same code on a copy of the state that is thrown away.

Belongs here: making the copy. Does not belong here: what is read out of it (``orchestration.checking``), and nothing
of the landing itself, so that a rehearsal and the landing cannot disagree.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orchestration.landing.manifest import batches
from orchestration.landing.report import LandingReport
from orchestration.landing.run import Connect, land
from orchestration.privacy.keys import PURPOSES, load_keys
from orchestration.shop import Shop
from orchestration.state import State


@dataclass(frozen=True)
class Rehearsal:
    """What the landing would say, and the state as it would be, for as long as the rehearsal lasts."""

    report: LandingReport
    state: State
    """The copy: earlier batches are links to the real ones."""


@contextmanager
def rehearsal(
    shop: Shop, state: State, landing_folder: Path, *, now: datetime, connect: Connect
) -> Iterator[Rehearsal]:
    """Land into a copy of the state, on the data's own disk where it has a folder, and remove the copy.

    Without keys of its own the shop gets some for as long as the rehearsal lasts.

    Raises
    ------
    LandingError, KeysError
        As ``land`` does.
    """
    beside = state.root if state.root.is_dir() else None
    with tempfile.TemporaryDirectory(prefix=".rehearsal-", dir=beside) as scratch:
        copy = _copied(state, Path(scratch))
        report = land(shop, copy, landing_folder, now=now, settle_seconds=0, connect=connect)
        yield Rehearsal(report, copy)


def _copied(state: State, scratch: Path) -> State:
    has_keys = all((state.keys / f"{purpose}.key").exists() for purpose in PURPOSES)
    if not has_keys and batches(state):
        load_keys(state)  # says what is missing
    copy = State(scratch / "data", state.keys_dir if has_keys else scratch / "keys", state.shop)
    for batch in sorted(state.raw.glob("[!.]*/[!.]*/")):
        link = copy.raw / batch.parent.name / batch.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(batch.resolve(), target_is_directory=True)
    copy.root.mkdir(parents=True, exist_ok=True)
    if state.sightings.is_dir():
        shutil.copytree(state.sightings, copy.sightings)
    if state.privacy.is_dir():
        (copy.root / "privacy").symlink_to(state.privacy.resolve(), target_is_directory=True)
    return copy
