"""The contract at the front door, read from the dbt source yml.

Belongs here: what ``dbt_project/models/sources/raw.yml`` says, as dataclasses. Does not belong here: how a
rule is checked (``checks``) or how a shop's columns come to their canonical names (``mapping``).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from orchestration import strict_yaml

CONTRACT_PATH = Path(__file__).resolve().parents[2] / "dbt_project" / "models" / "sources" / "raw.yml"
SYSTEM_COLUMNS = ("occurred_at", "known_at", "batch_id", "row_hash")
"""Follow the contract's columns in every raw batch."""


@dataclass(frozen=True)
class Column:
    """One canonical column and its rules."""

    name: str
    data_type: str
    required: bool = False
    allowed: tuple[str, ...] = ()
    minimum: str | None = None
    maximum: str | None = None
    at_most: str | None = None
    """SQL over the row's own columns that the value may not exceed."""
    default: str | None = None
    """Takes the place of a column that the shop does not map; ``shop.currency`` comes from shop.yml."""
    source: str | None = None
    """The incoming column of which this one is the keyed token."""
    token: str | None = None
    """Type of the identifier behind the token, or the column that holds that type."""
    personal: bool = False
    description: str = ""


@dataclass(frozen=True)
class TouchpointContract:
    """One touchpoint: its columns in order, its key, its instant."""

    name: str
    key: tuple[str, ...]
    occurred_at: str
    mutable: bool
    columns: tuple[Column, ...]
    whose: tuple[str, ...] = ()
    """Columns of which a row has to fill one, or it is about nobody."""
    description: str = ""
    counts_once: bool = False
    """Only the first version of a key ever counts."""

    @property
    def incoming(self) -> tuple[Column, ...]:
        """Columns that a shop's file may carry: all but the tokens, and what the tokens are made of."""
        own = [column for column in self.columns if column.source is None]
        names = {column.name for column in own}
        sources = dict.fromkeys(column.source for column in self.columns if column.source)
        return (*own, *(Column(name, "varchar", personal=True) for name in sources if name not in names))

    @property
    def tokens(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.source)

    @property
    def whose_incoming(self) -> tuple[str, ...]:
        """The same columns as a shop's files name them."""
        return tuple(column.source or column.name for column in self.columns if column.name in self.whose)

    def has(self, name: str) -> bool:
        return any(column.name == name for column in self.columns)

    @property
    def digest(self) -> str:
        """sha256 of everything that decides about rows; descriptions do not."""
        decisive = {name: value for name, value in asdict(self).items() if name != "description"}
        decisive["columns"] = [{k: v for k, v in one.items() if k != "description"} for one in decisive["columns"]]
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


@cache
def load_contract(path: Path = CONTRACT_PATH) -> dict[str, TouchpointContract]:
    """Read the contract, touchpoints in its own order."""
    content = strict_yaml.load(path.read_text(encoding="utf-8"))
    (raw,) = (source for source in content["sources"] if source["name"] == "raw")
    return {table["name"]: _touchpoint(table) for table in raw["tables"]}


def _touchpoint(table: dict[str, Any]) -> TouchpointContract:
    meta = table["config"]["meta"]
    return TouchpointContract(
        name=table["name"],
        key=tuple(meta["key"]),
        occurred_at=meta["occurred_at"],
        mutable=meta["mutable"],
        columns=tuple(_column(column) for column in table["columns"]),
        whose=tuple(meta.get("whose", ())),
        description=table["description"],
        counts_once=meta.get("counts_once", False),
    )


def _column(column: dict[str, Any]) -> Column:
    meta = column.get("config", {}).get("meta", {})
    return Column(
        name=column["name"],
        data_type=column["data_type"],
        required=meta.get("required", False),
        allowed=tuple(meta.get("allowed", ())),
        minimum=_text(meta.get("min")),
        maximum=_text(meta.get("max")),
        at_most=meta.get("at_most"),
        default=_text(meta.get("default")),
        source=meta.get("from"),
        token=meta.get("token"),
        personal=meta.get("personal", False),
        description=column.get("description", ""),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
