"""Candidates, plays and contacts made to order, and a decision over them: what the tests of actions share.

Belongs here: building and running. Does not belong here: assertions.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ml.actions.candidates import SIGNALS
from ml.actions.policy import FLAGS, Play, Policy
from ml.actions.run import Known, Summary, decide_all
from ml.actions.tables import ASSIGNMENTS, CONTACTS, DECISIONS, REDIRECTS

AS_OF = datetime(2025, 7, 1)  # noqa: DTZ001 (naive UTC, as in the rows)
KEY = bytes(range(32))


def play(name: str = "mail", **changes: Any) -> Play:
    """A play that everybody is eligible for and that brings one unit of money for nothing."""
    channel = changes.pop("channel", "email")
    purpose = changes.pop("purpose", "service" if channel == "agent_task" else "marketing")
    permission = "service" if purpose == "service" else f"marketing/{'phone' if channel == 'agent_task' else channel}"
    plain = Play(
        name, channel, eligible="true", margin="1.0", contact_permission=permission, data_permission=None,
        cooldown_days=7, template=name, expires_hours=24,
    )  # fmt: skip
    return replace(plain, **changes)


def policy(*plays: Play, **changes: Any) -> Policy:
    """Nothing but the plays: no caps, no quiet days, no holdout."""
    return replace(Policy(tuple(sorted(plays, key=lambda one: one.name))), **changes)


def candidate(customer: str = "c_1", **changes: Any) -> dict[str, Any]:
    """Somebody who permits everything and of whom nothing is known."""
    row: dict[str, Any] = {"customer_id": customer, "household_id": None, "tickets_open_count": 0}
    row |= dict.fromkeys(FLAGS.values(), True) | {f"days_since_{signal}": None for signal in SIGNALS}
    return row | changes


def contact(days_ago: float, customer: str = "c_1", **changes: Any) -> dict[str, Any]:
    """A message that was sent."""
    row = {"message_id": f"m_{customer}_{days_ago}", "customer_id": customer, "action_id": None, "play": "mail",
           "channel": "email", "sent_at": AS_OF - timedelta(days=days_ago)}  # fmt: skip
    return row | changes


def entry(days_ago: float, customer: str = "c_1", **changes: Any) -> dict[str, Any]:
    """A decision of the ledger; to be sent within a day."""
    at = AS_OF - timedelta(days=days_ago)
    row = {"action_id": f"a_{customer}_{days_ago}", "customer_id": customer, "play": "mail", "channel": "email",
           "arm": "treatment", "decided_as_of": at, "send_after": at, "expires": at + timedelta(days=1),
           "expected_margin": 1.0, "propensity": 1.0, "trigger": "daily"}  # fmt: skip
    return row | changes


def assigned(customer: str, arm: str, days_ago: float = 30, experiment: str = "global") -> dict[str, Any]:
    return {"customer_id": customer, "experiment": experiment, "arm": arm, "share": 0.05,
            "assigned_as_of": AS_OF - timedelta(days=days_ago)}  # fmt: skip


@dataclass
class World:
    """One decision and what it wrote."""

    folder: Path
    log: list[dict[str, Any]] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    assignments: list[dict[str, Any]] = field(default_factory=list)
    redirects: dict[str, str] = field(default_factory=dict)
    block_rows: int = 65_536

    def decide(self, candidates: list[dict[str, Any]], policy: Policy, as_of: datetime = AS_OF) -> Summary:
        redirects = [{"customer_id": old, "redirects_to_customer_id": new} for old, new in self.redirects.items()]
        known = Known(
            pa.Table.from_pylist(self.log, schema=CONTACTS), pa.Table.from_pylist(self.ledger, schema=DECISIONS),
            pa.Table.from_pylist(self.assignments, schema=ASSIGNMENTS), pa.Table.from_pylist(redirects, REDIRECTS),
        )  # fmt: skip
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "candidates.parquet"
        pq.write_table(_typed(candidates), file)
        with duckdb.connect(config={"threads": 2}) as connection:
            source = f"read_parquet('{file}')"
            return decide_all(connection, source, known, policy, KEY, as_of, self.folder, block_rows=self.block_rows)

    def rows(self, table: str) -> list[dict[str, Any]]:
        return list(pq.read_table(self.folder / f"{table}.parquet").to_pylist())

    def done(self) -> dict[str, str]:
        """Customer: play, for those who are contacted."""
        return {row["customer_id"]: row["play"] for row in self.rows("decisions") if row["arm"] == "treatment"}

    def rules(self) -> dict[tuple[str, str], str]:
        """Customer and play: the rule against it."""
        return {(row["customer_id"], row["play"]): row["rule"] for row in self.rows("rejections")}


def _typed(candidates: list[dict[str, Any]]) -> pa.Table:
    """Columns that are null for everybody still have a type."""
    names = dict.fromkeys(name for row in candidates for name in row)
    columns = {}
    for name in names:
        values = [row.get(name) for row in candidates]
        is_null = all(value is None for value in values)
        of_nulls = pa.string() if name == "household_id" else pa.int32()
        columns[name] = pa.array(values, of_nulls if is_null else None)
    return pa.table(columns)
