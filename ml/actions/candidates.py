"""Candidates as blocks of arrays: a Parquet file and the plays' SQL in, memory by the block.

Belongs here: what is read of a candidate. Does not belong here: which columns a play may ask (``orchestration.plays``),
rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml.actions.policy import CHANNELS, FLAGS, MESSAGE_CHANNELS, Policy
from ml.actions.rules import Block, Contacts

SIGNALS = ("complaint", *(f"{name}_{what}" for name in MESSAGE_CHANNELS for what in ("bounce", "unsubscribe")))
BLOCK_ROWS = 65_536
MARGIN_PLACES = 6
"""Margins are rounded before they are compared, so that a last bit decides nothing."""


@dataclass(frozen=True)
class Relations:
    """Tables of one connection that a decision reads."""

    connection: duckdb.DuckDBPyConnection
    candidates: str
    contacts: str
    """As ``history.occupied`` gives them."""

    def of_block(self, table: str, first: str, last: str) -> pa.Table:
        """Rows of the customers between two ids, both included."""
        select = f"select * from {table} where customer_id between $first and $last order by all"
        return self.connection.cursor().execute(select, {"first": first, "last": last}).to_arrow_table()


def blocks(relations: Relations, policy: Policy, block_rows: int = BLOCK_ROWS) -> Iterator[Block]:
    """Candidates in the order of their ids."""
    reader = relations.connection.cursor().execute(_select(policy, relations.candidates)).to_arrow_reader(block_rows)
    for batch in reader:
        if batch.num_rows:
            ids = batch.column("customer_id")
            rows = relations.of_block(relations.contacts, ids[0].as_py(), ids[-1].as_py())
            yield _block(batch, policy, rows)


def _select(policy: Policy, candidates: str) -> str:
    plays = "".join(
        f", coalesce(cast(({play.eligible}) as boolean), false) as eligible_{place}"
        f", round(cast(({play.margin}) as double), {MARGIN_PLACES}) as margin_{place}"
        for place, play in enumerate(policy.plays)
    )
    signals = ", ".join(f"cast(days_since_{signal} as double) as days_since_{signal}" for signal in SIGNALS)
    flags = ", ".join(f"coalesce(cast({flag} as boolean), false) as {flag}" for flag in FLAGS.values())
    return (
        f"select customer_id, coalesce(household_id, customer_id) as unit, {flags}, {signals}, "
        f"cast(tickets_open_count as bigint) as tickets_open_count{plays} from {candidates} order by customer_id"
    )


def _block(batch: pa.RecordBatch, policy: Policy, contacts: pa.Table) -> Block:
    count, plays = batch.num_rows, range(len(policy.plays))
    margin = np.column_stack([_numbers(batch, f"margin_{place}") for place in plays])
    return Block(
        customers=batch.column("customer_id").to_pylist(),
        units=batch.column("unit").to_pylist(),
        eligible=np.column_stack([_flags(batch, f"eligible_{place}") for place in plays]),
        margin=np.where(np.isfinite(margin), margin, np.nan).reshape(count, -1),
        granted={purpose: _flags(batch, column) for purpose, column in FLAGS.items()},
        days_since={signal: _numbers(batch, f"days_since_{signal}") for signal in SIGNALS},
        open_tickets=np.nan_to_num(_numbers(batch, "tickets_open_count")).astype(np.int64),
        contacts=contacts_of(batch.column("customer_id"), contacts, [play.name for play in policy.plays]),
    )


def contacts_of(customers: pa.Array, contacts: pa.Table, plays: list[str]) -> Contacts:
    """Contacts of the given customers as arrays."""
    rows = pc.index_in(contacts["customer_id"], pa.array(customers))
    mine = contacts.filter(pc.is_valid(rows))
    return Contacts(
        row=rows.drop_null().to_numpy().astype(np.int64),
        play=_places(mine["play"], plays),
        channel=_places(mine["channel"], list(CHANNELS)),
        at=mine["contacted_at"].to_numpy().astype("datetime64[us]"),
        is_contact=mine["is_contact"].to_numpy().astype(bool),
    )


def _places(values: pa.ChunkedArray, names: list[str]) -> NDArray[np.int64]:
    return pc.index_in(values, pa.array(names, pa.string())).fill_null(-1).to_numpy().astype(np.int64)


def _flags(batch: pa.RecordBatch, column: str) -> NDArray[np.bool_]:
    return batch.column(column).to_numpy(zero_copy_only=False).astype(bool)


def _numbers(batch: pa.RecordBatch, column: str) -> NDArray[np.float64]:
    return batch.column(column).cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
