"""A tiny shop with a front door: write files, land them, look at what lies behind it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.landing import LandingReport, batches, land, rows_path
from orchestration.shop import Shop
from orchestration.state import State

NOW = datetime(2025, 7, 1, 12, tzinfo=UTC)
HEADER = "order_id,line_number,ordered_at,quantity,unit_price"
GOOD = "o{},1,2025-06-01,1,9.90"
BAD = "o{},1,2025-06-01,-1,9.90"


def csv(good: int, bad: int = 0) -> str:
    """Good order lines, then bad ones."""
    return "\n".join([HEADER, *map(GOOD.format, range(good)), *map(BAD.format, range(bad))]) + "\n"


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def order(**cells: Any) -> str:
    """One order line as JSON, good but for the cells given."""
    good = {"order_id": "o1", "line_number": 1, "ordered_at": "2025-06-01T10:00:00Z", "quantity": 1, "unit_price": 2}
    return json.dumps(good | {"line_type": "sale", "currency": "EUR"} | cells) + "\n"


@dataclass
class Door:
    """One shop, its landing folder and its state."""

    root: Path
    touchpoints: dict[str, dict[str, Any]]
    settings: dict[str, Any] = field(default_factory=dict)
    threads: int = 1

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.landing.mkdir(parents=True)
        self.state.prepare()

    @property
    def folder(self) -> Path:
        return self.root / "shops" / "corner"

    @property
    def landing(self) -> Path:
        return self.root / "landing"

    @property
    def state(self) -> State:
        return State(self.root / "data", self.root / "keys", "corner")

    @cached_property
    def shop(self) -> Shop:
        given = {"name": "Corner shop", "time_zone": "Europe/Berlin"} | self.settings
        return Shop(slug="corner", folder=self.folder, touchpoints=self.touchpoints, **given)

    def put(self, name: str, content: str | bytes) -> Path:
        path = self.landing / name
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
        return path

    def put_parquet(self, name: str, query: str) -> Path:
        path = self.landing / name
        duckdb.connect().execute(f"copy ({query}) to '{path}' (format parquet)")
        return path

    def connect(self) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(config={"threads": self.threads})

    def land(self, *, now: datetime = NOW, settle_seconds: float = 0, **more: Any) -> LandingReport:
        more = {"connect": self.connect, **more}
        return land(self.shop, self.state, self.landing, now=now, settle_seconds=settle_seconds, **more)

    def rows(self, touchpoint: str, columns: str = "*") -> list[tuple[Any, ...]]:
        """Accepted rows of all batches, in the order of batches and rows."""
        files = [str(rows_path(self.state, batch)) for batch in batches(self.state).get(touchpoint, [])]
        if not files:
            return []
        return duckdb.connect().execute(f"select {columns} from read_parquet(?)", [files]).fetchall()

    def quarantine(self, columns: str = "line, column_name, rule") -> list[tuple[Any, ...]]:
        files = [str(path) for path in sorted(self.state.quarantine.glob("*/*.parquet"))]
        if not files:
            return []
        return duckdb.connect().execute(f"select {columns} from read_parquet(?)", [files]).fetchall()


@pytest.fixture
def make_door(tmp_path: Path) -> Callable[..., Door]:
    """Builds a shop from its touchpoints as they stand in shop.yml."""

    def make(touchpoints: dict[str, dict[str, Any]] | None = None, **settings: Any) -> Door:
        return Door(tmp_path, touchpoints or {"orders": {"files": "orders*"}}, settings)

    return make


@pytest.fixture
def door(make_door: Callable[..., Door]) -> Door:
    """A shop in Berlin with orders only."""
    return make_door()
