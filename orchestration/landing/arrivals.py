"""Which files of the landing folder are to be read, and which are left alone for now.

Belongs here: globs, unfinished names, waiting until files stand still. Does not belong here: what is in the
files (``integrity``, ``reader``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from orchestration.landing.errors import LandingError
from orchestration.shop import Shop

UNFINISHED_PREFIXES = (".", "_")
UNFINISHED_SUFFIXES = (".tmp", ".part", ".crdownload")


@dataclass(frozen=True)
class Look:
    """A file from outside. Size and time of modification can be kept while its bytes change, the rest cannot."""

    size: int
    modified_ns: int
    changed_ns: int
    inode: int


@dataclass(frozen=True)
class Arrival:
    """One file that a touchpoint's glob matches, as it was when it was looked at."""

    touchpoint: str
    folder: Path
    """The landing folder."""
    file: str
    """Its path within that folder."""
    look: Look

    @property
    def path(self) -> Path:
        return self.folder / self.file

    def has_changed(self) -> bool:
        """Whether the file is another one by now, or gone."""
        return _look(self.path) != self.look


@dataclass(frozen=True)
class Arrivals:
    """What one look at the landing folder found, in the order in which it is landed."""

    ready: tuple[Arrival, ...]
    left_alone: dict[str, str]
    """File name: why."""
    unmatched: tuple[str, ...]
    """Files that no touchpoint asks for."""


def arrivals(
    shop: Shop,
    folder: Path,
    *,
    now: datetime,
    settle_seconds: float,
    sleep: Callable[[float], None],
    may_be_empty: bool = False,
) -> Arrivals:
    """Look at the landing folder, wait once for files that are younger than ``settle_seconds``.

    Raises
    ------
    LandingError
        No such folder; or no file that any touchpoint asks for, unless the folder ``may_be_empty`` because
        earlier files have landed and were cleared away.
    """
    present = _present(folder)
    left_alone = {name: "still being written (by its name)" for name in present if is_unfinished(name)}
    found = [
        Arrival(touchpoint, folder, path.relative_to(folder).as_posix(), _look(path))
        for touchpoint, spec in sorted(shop.touchpoints.items())
        for path in sorted(folder.glob(spec.files))
        if path.is_file() and not is_unfinished(path.name)
    ]
    if not found and not may_be_empty:
        raise LandingError(_nothing_to_land(shop, folder, present, left_alone))
    unsettled = {arrival.file for arrival in _unsettled(found, now, settle_seconds, sleep)}
    left_alone |= dict.fromkeys(sorted(unsettled), "changed while it was watched")
    names = {arrival.file for arrival in found}
    return Arrivals(
        ready=tuple(arrival for arrival in found if arrival.file not in unsettled),
        left_alone=left_alone,
        unmatched=tuple(name for name in present if name not in names and name not in left_alone),
    )


def _present(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise LandingError(f"there is no landing folder {folder}; make it and put the shop's files there")
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def is_unfinished(name: str) -> bool:
    """Whether a file is still being written, by its name."""
    return name.startswith(UNFINISHED_PREFIXES) or name.lower().endswith(UNFINISHED_SUFFIXES)


def _look(path: Path) -> Look:
    try:
        seen = path.stat()
    except FileNotFoundError:
        return Look(-1, -1, -1, -1)
    return Look(seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino)


def _unsettled(
    found: list[Arrival], now: datetime, settle_seconds: float, sleep: Callable[[float], None]
) -> list[Arrival]:
    moment = (now if now.tzinfo else now.replace(tzinfo=UTC)).timestamp()
    young = [arrival for arrival in found if arrival.look.modified_ns / 1e9 > moment - settle_seconds]
    if young and settle_seconds > 0:
        sleep(settle_seconds)
    return [arrival for arrival in found if arrival.has_changed()]


def _nothing_to_land(shop: Shop, folder: Path, present: list[str], left_alone: dict[str, str]) -> str:
    globs = ", ".join(f"{name}: {spec.files}" for name, spec in sorted(shop.touchpoints.items()))
    if not present:
        return f"the landing folder {folder} is empty; shop {shop.slug} expects there {globs}"
    shown = ", ".join(present[:8]) + (f" and {len(present) - 8} more" if len(present) > 8 else "")
    unfinished = f" ({len(left_alone)} of them still being written)" if left_alone else ""
    return (
        f"no file in {folder} is one that shop {shop.slug} asks for ({globs}); there are: {shown}{unfinished}. "
        f"Rename the files or correct `files:` in {shop.folder / 'shop.yml'}"
    )
