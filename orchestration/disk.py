"""A full disk: how the libraries say it, and what a person does about it.

Belongs here: telling it from other errors. Does not belong here: what must not be half-written (each writer's own
care, mostly ``files``).
"""

from __future__ import annotations

import errno
import shutil

from orchestration.settings import Settings

_SIGNS = (
    "no space left",  # the system, Postgres, pyarrow
    "disk full", "disk is full",  # SQLite
    "failed to offload", "max_temp_directory_size", "could not write all bytes",  # DuckDB
)  # fmt: skip
_MAYBE = "disk i/o error"
"""SQLite says so where it finds no room for the index of its log, and where a disk is broken."""
_TOO_LITTLE = 1_000_000
"""Bytes: fewer are no room."""
ADVICE = "the disk is full. Nothing half-written is visible; free some space under the data folder and run again"


def is_full(error: BaseException | str) -> bool:
    """Whether an error, or one that it came from, speaks of a full disk; the system's own words may be foreign."""
    if isinstance(error, str):
        said = error.lower()
        return any(sign in said for sign in _SIGNS) or (_MAYBE in said and not _has_room())
    cause = error.__cause__ or error.__context__
    return (
        getattr(error, "errno", None) == errno.ENOSPC
        or is_full(str(error))
        or (cause is not None and cause is not error and is_full(cause))
    )


def advised(message: str) -> str:
    """The message of an error, with what to do where it speaks of a full disk."""
    return f"{message.splitlines()[0]}: {ADVICE}" if is_full(message) and ADVICE not in message else message


def _has_room() -> bool:
    folder = Settings().data_dir
    return not folder.exists() or shutil.disk_usage(folder).free > _TOO_LITTLE
