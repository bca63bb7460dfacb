"""Backup and restore of one shop: everything that cannot be made again, in one archive.

Belongs here: what is in it, and refusing to overwrite. Does not belong here: erasure in backups (an erased person is
in older archives until those are deleted; the documentation says so).
"""

from __future__ import annotations

import os
import tarfile
from pathlib import Path
from typing import Any

from orchestration.state import State, StateError

REMADE = ("warehouse.duckdb", "warehouse.duckdb.wal", "tmp", "dbt", "postgres", "lock")
"""Left out: rebuilt by the next run, or the server's own."""
FILTER: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
"""Owners and modes of this machine's user; Python before 3.11.4, as in Debian 12, has no such argument."""


def write_backup(state: State, target: Path) -> None:
    """Archive the shop's state, its MLflow store and its keys, readable by the owner alone.

    The archive appears by one rename. The caller holds the shop's run lock.

    Raises
    ------
    StateError
        The target is a folder, or there is no folder for it.
    """
    if target.is_dir() or not target.parent.is_dir():
        what = "is a folder; name a file" if target.is_dir() else "lies in a folder that does not exist; make it first"
        raise StateError(f"{target} {what}")
    temporary = target.with_name(f".{target.name}.tmp")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz", compresslevel=3) as archive:
            _fill(archive, state)
    except OSError:
        temporary.unlink()  # it holds keys, and room on a disk that may be full
        raise
    os.replace(temporary, target)  # noqa: PTH105 - the one atomic step


def _fill(archive: tarfile.TarFile, state: State) -> None:
    for path in sorted(state.root.iterdir()):
        if path.name not in REMADE:
            archive.add(path, f"state/{path.name}")
    for folder, name in ((state.mlflow, "mlflow"), (state.keys, "keys")):
        if folder.exists():
            archive.add(folder, name)


def read_backup(state: State, source: Path) -> None:
    """Unpack an archive where there is neither state nor keys of this shop.

    Raises
    ------
    StateError
        No such archive, not one of ours, or something would be overwritten.
    """
    if not source.exists():
        raise StateError(f"there is no backup {source}")
    taken = [path for path in state.root.iterdir() if path.name not in ("format_version", "lock")]
    if taken or state.keys.exists():
        where = state.keys if state.keys.exists() else state.root
        raise StateError(f"{where} is not empty: move it away first, a restore overwrites nothing")
    try:
        with tarfile.open(source) as archive:
            for prefix, folder in (("state", state.root), ("mlflow", state.mlflow), ("keys", state.keys)):
                _unpack(archive, prefix, folder)
        if state.keys.exists():
            state.keys.chmod(0o700)
    except tarfile.TarError as error:
        raise StateError(f"{source} is no backup of Regulars, or it is damaged: {error}") from error


def _unpack(archive: tarfile.TarFile, prefix: str, folder: Path) -> None:
    if prefix == "mlflow" and folder.exists():
        return  # another shop's runs are in it
    members = []
    for member in archive.getmembers():
        if member.name == prefix or member.name.startswith(f"{prefix}/"):
            member.name = member.name.removeprefix(prefix).lstrip("/") or "."
            if member.islnk():  # tables that one generation lends to the next
                member.linkname = member.linkname.removeprefix(f"{prefix}/")
            _require_inside(member)
            members.append(member)
    if members:
        folder.mkdir(parents=True, exist_ok=True)
        archive.extractall(folder, members=members, **FILTER)


def _require_inside(member: tarfile.TarInfo) -> None:
    """What FILTER would refuse, also without it."""
    for name in (member.name, member.linkname):
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise tarfile.ExtractError(f"{name} lies outside of the folder")
    if not (member.isfile() or member.isdir() or member.issym() or member.islnk()):
        raise tarfile.ExtractError(f"{member.name} is neither a file nor a folder")
