"""DuckDB as models use it: in memory, within the machine that they were given.

Belongs here: its limits. Does not belong here: what is read (``ml.snapshots``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Engine:
    """What DuckDB may use while it reads."""

    threads: int = 2
    memory_limit: str = "1GB"
    temp_directory: Path | None = None

    def connect(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        config: dict[str, str | int] = {
            "threads": self.threads,
            "memory_limit": self.memory_limit,
            # Snapshots are read once from end to end: what DuckDB would keep of them only grows with the customers.
            "enable_external_file_cache": "false",
        }
        if self.temp_directory:
            config["temp_directory"] = str(self.temp_directory)
        return duckdb.connect(config=config)  # type: ignore[arg-type]
