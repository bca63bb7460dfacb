"""How names and values are written into DuckDB SQL.

Belongs here: quoting. Does not belong here: any statement.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path


def name(identifier: str) -> str:
    """A quoted identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def names(identifiers: Iterable[str]) -> str:
    """Quoted identifiers, parted by commas."""
    return ", ".join(map(name, identifiers))


def text(value: str) -> str:
    """A quoted string."""
    return "'" + value.replace("'", "''") + "'"


def file(path: Path) -> str:
    """A quoted path that DuckDB reads as this one file, whatever glob characters stand in it."""
    return text("".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path)))


def instant(moment: datetime) -> str:
    """A naive UTC timestamp."""
    utc = moment.astimezone(UTC) if moment.tzinfo else moment
    return f"timestamp '{utc:%Y-%m-%d %H:%M:%S.%f}'"
