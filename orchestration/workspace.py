"""One shop's deployment in one object: its settings, its folder, its state, and DuckDB set up the way it allows.

Belongs here: what nearly every stage needs. Does not belong here: anything that only one stage does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from tempfile import gettempdir
from typing import ClassVar

import duckdb

from orchestration.settings import PROJECT_ROOT, Settings, read_environment
from orchestration.shop import Shop, load_shop
from orchestration.state import State


class Workspace:
    """Settings, shop and state of one deployment.

    Raises
    ------
    orchestration.settings.SettingsError
        The environment says what cannot be.
    orchestration.shop.ShopError
        On first use of ``shop``, where the shop's folder is missing or wrong.
    """

    _claims: ClassVar[dict[Path, ExitStack]] = {}

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or read_environment()

    @cached_property
    def shop(self) -> Shop:
        return load_shop(self.settings.shops_dir, self.settings.shop)

    @cached_property
    def state(self) -> State:
        return State(self.settings.data_dir.resolve(), self.settings.keys_dir.resolve(), self.settings.shop)

    @property
    def landing_folder(self) -> Path:
        if self.settings.landing_dir:
            return self.settings.landing_dir.resolve()
        return (PROJECT_ROOT / self.shop.landing).resolve() if self.shop.landing else self.state.landing

    def claim(self, holder: str) -> None:
        """Take the shop's run lock for the rest of this process; a second call is a no-op."""
        if self.state.root not in self._claims:
            stack = ExitStack()
            stack.enter_context(self.state.exclusive(holder))
            self._claims[self.state.root] = stack

    def release(self) -> None:
        """Give the run lock back before the process ends."""
        if stack := self._claims.pop(self.state.root, None):
            stack.close()

    def connect(self) -> duckdb.DuckDBPyConnection:
        """An in-memory DuckDB with the deployment's threads, memory limit and spill folder."""
        return self._set_up(duckdb.connect())

    def connect_anywhere(self) -> duckdb.DuckDBPyConnection:
        """The same with a spill folder outside the shop's state, for those who must leave no trace in it."""
        return self._set_up(duckdb.connect(), Path(gettempdir()) / "regulars-spill")

    @contextmanager
    def warehouse(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The warehouse, to read; only dbt writes it."""
        connection = self._set_up(duckdb.connect(str(self.state.warehouse), read_only=True))
        try:
            yield connection
        finally:
            connection.close()

    def default_as_of(self) -> date:
        """Today in the shop's time zone, or the day on which a closed data set ends."""
        return self.shop.closed_on or self.settings.now().astimezone(self.shop.zone).date()

    def now(self) -> datetime:
        return self.settings.now()

    def _set_up(self, connection: duckdb.DuckDBPyConnection, spill: Path | None = None) -> duckdb.DuckDBPyConnection:
        if spill is None:
            spill = self.state.temporary
            spill.mkdir(parents=True, exist_ok=True)
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"set threads = {self.settings.threads}")
        connection.execute(f"set memory_limit = '{self.settings.memory_limit}'")
        connection.execute(f"set temp_directory = '{spill}'")
        return connection
