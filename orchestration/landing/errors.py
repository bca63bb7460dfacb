"""What can go wrong at the door, and how far each error reaches.

Belongs here: the error types and the translation of DuckDB's and the system's errors, which strips values:
no message of this package carries what stands in a cell. Does not belong here: rows that break a rule
(``checks`` sends those to quarantine, they are no errors).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from orchestration.disk import ADVICE, is_full


class LandingError(RuntimeError):
    """Nothing can be landed; the message says what, where and what to do next."""


class FileRefusedError(ValueError):
    """One file cannot be landed; it stays in the landing folder and the other files go on."""


class FileChangedError(FileRefusedError):
    """The file changed while it was read: somebody still writes it, so it is left alone."""


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn engine and system errors inside the block into the two errors above.

    A full disk or exhausted memory concerns every file and stops the landing; all else concerns this file.
    """
    try:
        yield
    except (OSError, duckdb.Error) as error:
        raise _translated(what, error) from None


def _translated(what: str, error: OSError | duckdb.Error) -> LandingError | FileRefusedError:
    if is_full(error):
        return LandingError(f"{what}: {ADVICE}; what has been landed already is not read twice")
    if isinstance(error, duckdb.OutOfMemoryException):
        return LandingError(f"{what}: DuckDB's memory limit is too small for it; raise REGULARS_MEMORY_LIMIT")
    if isinstance(error, (duckdb.ConversionException, duckdb.OutOfRangeException)):
        # The engine's message quotes the cell.
        return FileRefusedError(
            f"{what}: a cast in the mapping fails on some row; use try_cast, or emit reject_reason for such rows"
        )
    return FileRefusedError(f"{what}: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    # Later lines of CSV errors quote the original line.
    return str(error).strip().split("\n", 1)[0]
