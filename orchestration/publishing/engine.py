"""DuckDB as the publisher uses it: out of core, bounded, and the same bytes with any thread count.

Belongs here: connection settings and the one way a Parquet file is written. Does not belong here: what is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.publishing.permissions import literal

ROW_GROUP_ROWS = 122_880


@dataclass(frozen=True)
class Engine:
    """Limits of every DuckDB connection of the publisher."""

    threads: int = 2
    memory_limit: str = "1GB"
    temporary: Path | None = None
    """Spill folder."""

    def connect(self) -> duckdb.DuckDBPyConnection:
        """An in-memory database within the limits; nothing depends on the machine's time zone or locale."""
        config: dict[str, str | bool | int | float | list[str]] = {
            "threads": self.threads, "memory_limit": self.memory_limit, "preserve_insertion_order": True,
        }  # fmt: skip
        if self.temporary is not None:
            config["temp_directory"] = str(self.temporary)
        return duckdb.connect(config=config)


def parquet(path: Path) -> str:
    """SQL of a relation over one Parquet file, by absolute path and never by glob."""
    return f"read_parquet({literal(str(path.resolve()))})"


def copy_to_parquet(connection: duckdb.DuckDBPyConnection, select: str, path: Path) -> None:
    """Write an ordered select; fixed row groups, so that 1 and 2 threads write the same bytes."""
    connection.execute(
        f"copy ({select}) to {literal(str(path))} (format parquet, compression zstd, row_group_size {ROW_GROUP_ROWS})"
    )
