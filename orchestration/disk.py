"""A full disk: how the libraries say it, and what a person does about it.

Belongs here: telling it from other errors. Does not belong here: what must not be half-written (each writer's own
care, mostly ``files``).
"""

from __future__ import annotations

import errno

_SIGNS = (
    "no space left",  # the system, Postgres, pyarrow
    "disk full", "disk is full",  # SQLite
    "failed to offload", "max_temp_directory_size", "could not write all bytes",  # DuckDB
)  # fmt: skip
ADVICE = "the disk is full. Nothing half-written is visible; free some space under the data folder and run again"


def is_full(error: BaseException | str) -> bool:
    """Whether an error, or one that it came from, speaks of a full disk; the system's own words may be foreign."""
    if isinstance(error, str):
        return any(sign in error.lower() for sign in _SIGNS)
    cause = error.__cause__ or error.__context__
    return (
        getattr(error, "errno", None) == errno.ENOSPC
        or is_full(str(error))
        or (cause is not None and cause is not error and is_full(cause))
    )


def advised(message: str) -> str:
    """The message of an error, with what to do where it speaks of a full disk."""
    return f"{message.splitlines()[0]}: {ADVICE}" if is_full(message) and ADVICE not in message else message
