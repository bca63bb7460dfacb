"""Where the environment is read, and nowhere else.

Belongs here: every setting that differs between machines. Does not belong here: what differs between
shops (``shops/<shop>/shop.yml``, read by ``orchestration.shop``).
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """The deployment's settings, each from ``REGULARS_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="REGULARS_")

    shop: str = "demo"
    shops_dir: Path = PROJECT_ROOT / "shops"
    data_dir: Path = PROJECT_ROOT / "data"
    keys_dir: Path = PROJECT_ROOT / "keys"
    landing_dir: Path | None = None
    """Overrides the landing folder named by shop.yml."""
    postgres_url: SecretStr | None = None
    """A Postgres to publish to; without it one is started under the data folder."""
    threads: int = 2
    memory_limit: str = "1GB"
    """DuckDB's own limit; the models and libraries need about another gigabyte."""
    settle_seconds: float = 2.0
    """A landing file must stay unchanged for this long before it is read."""
    failure_command: str | None = None
    """Shell command called when a run fails; REGULARS_RUN_ID and REGULARS_ERROR are in its environment."""
    clock: datetime | None = None
    """A fixed instant in place of the machine's clock, for tests and replays."""

    def now(self) -> datetime:
        """The instant of landing and of run records, UTC. The only clock that data sees."""
        now = self.clock or datetime.now(UTC)
        return now.astimezone(UTC) if now.tzinfo else now.replace(tzinfo=UTC)
