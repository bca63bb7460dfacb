"""Where the environment is read, and nowhere else.

Belongs here: every setting that differs between machines. Does not belong here: what differs between
shops (``shops/<shop>/shop.yml``, read by ``orchestration.shop``).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parent.parent
PREFIX = "REGULARS_"


class SettingsError(ValueError):
    """A variable of the environment cannot be used; the message says which and why."""


class Settings(BaseSettings):
    """The deployment's settings, each from ``REGULARS_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX)

    shop: str = "demo"
    shops_dir: Path = PROJECT_ROOT / "shops"
    data_dir: Path = PROJECT_ROOT / "data"
    keys_dir: Path = PROJECT_ROOT / "keys"
    landing_dir: Path | None = None
    """Overrides the landing folder named by shop.yml."""
    postgres_url: SecretStr | None = None
    """A Postgres to publish to; without it one is started under the data folder."""
    threads: int = Field(default=2, ge=1)
    memory_limit: str = "1GB"
    """DuckDB's own limit; the models and libraries need about another gigabyte."""
    settle_seconds: float = 2.0
    """A landing file must stay unchanged for this long before it is read."""
    failure_command: str | None = None
    """Shell command called when a run fails; REGULARS_RUN_ID and REGULARS_ERROR are in its environment."""
    clock: datetime | None = None
    """A fixed instant in place of the machine's clock, for tests and replays."""

    @field_validator("memory_limit")
    @classmethod
    def _is_an_amount(cls, limit: str) -> str:
        if not re.fullmatch(r"\d+(\.\d+)? ?[kmgt]i?b", limit, re.IGNORECASE):
            raise ValueError(f"{limit!r} is no amount of memory; write it as 800MB or 2GB")
        return limit

    def now(self) -> datetime:
        """The instant of landing and of run records, UTC. The only clock that data sees."""
        now = self.clock or datetime.now(UTC)
        return now.astimezone(UTC) if now.tzinfo else now.replace(tzinfo=UTC)


def read_environment() -> Settings:
    """The settings of this process.

    Raises
    ------
    SettingsError
        A value that cannot be one.
    """
    try:
        return Settings()
    except ValidationError as error:
        said = (
            f"{PREFIX}{str(detail['loc'][0]).upper()}: {detail['msg'].removeprefix('Value error, ')}"
            for detail in error.errors()
        )
        raise SettingsError("; ".join(said)) from None
