"""A tiny shop that publishes: a contract of two tables, rows made to order, no dbt and no models.

Belongs here: what the tests of publishing share. Does not belong here: assertions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from orchestration.publishing.contract import Contract
from orchestration.publishing.contract_file import load_contract
from orchestration.publishing.engine import Engine
from orchestration.publishing.errors import SinkUnavailableError
from orchestration.publishing.generation import Generation, GenerationMeta
from orchestration.publishing.publisher import Publisher

CONTRACT = """
models:
  - name: scores
    description: "What we expect of a customer; 100 % of them."
    config: {meta: {key: [customer_id], roles: [crm_marketing, crm_agent], change_feed: true, contract_version: 1}}
    columns:
      - {name: customer_id, data_type: varchar, description: The person.}
      - name: status
        data_type: varchar
        description: scored or not_profiled.
        config: {meta: {required: true, allowed: [scored, not_profiled], needs: profiling, otherwise: not_profiled}}
      - name: churn_probability
        data_type: double
        description: "From 0 to 1; it's calibrated."
        config: {meta: {needs: profiling, min: 0, max: 1}}
      - {name: percentile, data_type: double, config: {meta: {not_content: true}}}
      - {name: spend, data_type: "decimal(18,2)"}
      - {name: note, data_type: varchar, description: For agents only., config: {meta: {roles: [crm_agent]}}}
      - {name: may_email, data_type: boolean, config: {meta: {required: true, needs: marketing/email}}}
      - {name: may_profile, data_type: boolean, config: {meta: {required: true, needs: profiling}}}
      - {name: as_of, data_type: timestamp, config: {meta: {required: true, not_content: true}}}
  - name: offers
    description: What to offer, in this order.
    config: {meta: {key: [customer_id, rank], roles: [crm_marketing], needs: marketing/email}}
    columns:
      - {name: customer_id, data_type: varchar}
      - {name: rank, data_type: integer, config: {meta: {min: 1}}}
      - {name: title, data_type: varchar}
      - {name: as_of, data_type: timestamp, config: {meta: {required: true, not_content: true}}}
"""
ARROW_TYPES = {
    "varchar": pa.string(), "double": pa.float64(), "integer": pa.int32(), "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us"), "decimal(18,2)": pa.decimal128(18, 2),
}  # fmt: skip
FIRST_DAY = datetime(2025, 7, 1)  # noqa: DTZ001 (naive UTC, as in the rows)
CLOCK = datetime(2025, 8, 1, tzinfo=UTC)


def contract_model() -> dict[str, Any]:
    """The contract as a tree that a test may change."""
    content: dict[str, Any] = yaml.safe_load(CONTRACT)
    return content


def contract_of(folder: Path, model: dict[str, Any] | None = None) -> Contract:
    """Read a contract through its file, as the product does."""
    path = folder / "activation.yml"
    path.write_text(yaml.safe_dump(model or contract_model(), sort_keys=False))
    return load_contract(path)


def score(number: int, day: int = 0, **changes: Any) -> dict[str, Any]:
    """One row of ``scores``; everything but the as-of is the same on every day."""
    row = {
        "customer_id": f"c_{number:04}", "status": "scored", "churn_probability": (number * 37 % 100) / 100,
        "percentile": 0.5, "spend": Decimal(number), "note": f'said "no, {number}"' if number % 2 else None,
        "may_email": True, "may_profile": True, "as_of": FIRST_DAY + timedelta(days=day),
    }  # fmt: skip
    return {**row, **changes}


def offer(number: int, day: int = 0, **changes: Any) -> dict[str, Any]:
    """One row of ``offers``."""
    row = {"customer_id": f"c_{number:04}", "rank": 1, "title": "", "as_of": FIRST_DAY + timedelta(days=day)}
    return {**row, **changes}


def write_rows(contract: Contract, name: str, rows: list[dict[str, Any]], path: Path) -> Path:
    """Rows as a Parquet file with the contract's columns and types."""
    columns = contract.table(name).columns
    values = pa.Table.from_pylist(
        [{column.name: row.get(column.name) for column in columns} for row in rows],
        schema=pa.schema([(column.name, ARROW_TYPES[column.data_type]) for column in columns]),
    )
    pq.write_table(values, path)
    return path


@dataclass
class PublishingWorld:
    """A publisher on a folder of its own."""

    root: Path
    url: str | None = None
    contract: Contract = field(init=False)

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self.contract = contract_of(self.root)

    @property
    def publisher(self) -> Publisher:
        return Publisher(
            self.root / "published", self.root / "privacy", self.contract, lambda: CLOCK, self._url, Engine(threads=1)
        )

    def _url(self) -> str:
        if self.url is None:
            raise SinkUnavailableError("this test has no Postgres")
        return self.url

    def meta(self, day: int, inputs: str = "") -> GenerationMeta:
        as_of = FIRST_DAY + timedelta(days=day)
        inputs_id = (inputs or f"{day:02d}") * 16
        return GenerationMeta("tiny", inputs_id, as_of, as_of.date(), f"run-{day}", CLOCK.replace(tzinfo=None))

    def tables(
        self, day: int, scores: list[dict[str, Any]] | int = 20, offers: list[dict[str, Any]] | int = 5
    ) -> dict[str, Path]:
        """Files to hand over; a number stands for that many plain rows."""
        folder = self.root / "handed_over"
        folder.mkdir(exist_ok=True)
        scores = [score(n, day) for n in range(scores)] if isinstance(scores, int) else scores
        offers = [offer(n, day) for n in range(offers)] if isinstance(offers, int) else offers
        return {
            "scores": write_rows(self.contract, "scores", scores, folder / f"scores_{day}.parquet"),
            "offers": write_rows(self.contract, "offers", offers, folder / f"offers_{day}.parquet"),
        }

    def write(self, day: int, scores: Any = 20, offers: Any = 5, inputs: str = "") -> Generation:
        return self.publisher.write(self.tables(day, scores, offers), self.meta(day, inputs))

    def pass_audit(self, generation: Generation) -> Generation:
        """Say that it passed, where the audit is not what the test is about."""
        self.publisher.files.records.update(generation.generation_id, audit="passed")
        return generation

    def publish(self, day: int, scores: Any = 20, offers: Any = 5, inputs: str = "") -> Generation:
        """Write and publish one day, to Postgres too where there is one."""
        generation = self.pass_audit(self.write(day, scores, offers, inputs))
        self.publisher.publish_files(generation.generation_id)
        if self.url is not None:
            self.publisher.publish_postgres()
        return generation

    def read(self, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
        """What a reader of the files' views sees now."""
        views = self.root / "published" / "current" / "views.duckdb"
        with duckdb.connect(str(views), read_only=True) as connection:
            return connection.execute(f"select {columns} from crm.{table} order by all").fetchall()


def ask(world: PublishingWorld, statement: str, role: str | None = None) -> list[tuple[Any, ...]]:
    """Rows of a statement in Postgres, as one of its roles."""
    assert world.url is not None
    with psycopg.connect(world.url, autocommit=True) as connection:
        if role:
            connection.execute(f"set role {role}".encode())
        return connection.execute(statement.encode()).fetchall()
