"""One decision over a whole shop: tables and a file of candidates in, four files out, memory by the block.

Belongs here: the stream from candidates to files. Does not belong here: where the files lie and which ledger entries
count (``orchestration.actions``).
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ml.actions import records
from ml.actions.candidates import BLOCK_ROWS, Relations, blocks
from ml.actions.decide import OPEN, Before, Verdicts, decide
from ml.actions.history import decided, occupied, unsent
from ml.actions.holdouts import Assigner, frozen_arms, standing
from ml.actions.policy import Policy
from ml.actions.rules import Block
from ml.actions.standing import still_standing, together
from ml.actions.tables import ASSIGNMENTS, DECISIONS, REJECTIONS


@dataclass(frozen=True)
class Known:
    """What a decision knows beside the candidates; everything at the as-of."""

    log: pa.Table
    """Messages by person, ``tables.CONTACTS``."""
    decisions: pa.Table
    """Published decisions that count, ``tables.DECISIONS``: of earlier as-ofs, and of this one by an earlier run."""
    assignments: pa.Table
    """Arms drawn with them, ``tables.ASSIGNMENTS``."""
    redirects: pa.Table
    """Customer ids that went into another one, ``tables.REDIRECTS``."""


@dataclass
class Summary:
    """How many of what."""

    decided: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By play and arm."""
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By play and rule."""
    candidates: int = 0
    drawn: int = 0
    carried: int = 0
    """Actions decided earlier that stand."""
    withdrawn: int = 0
    """Actions decided earlier, neither sent nor expired, that do not stand any more."""


def decide_all(
    connection: duckdb.DuckDBPyConnection, candidates: str, known: Known, policy: Policy, key: bytes, as_of: datetime,
    out: Path, *, block_rows: int = BLOCK_ROWS,
) -> Summary:  # fmt: skip
    """Write ``decisions``, ``standing`` (all to be carried out now), ``rejections``, ``new_assignments`` and
    ``assignments`` (all that stand) to ``out``.

    Parameters
    ----------
    connection
        An in-memory DuckDB; tables named ``occupied``, ``arms``, ``unsent`` and ``decided`` are made in it.
    candidates
        SQL relation with the columns of ``actions.action_candidates``, one row per customer.
    key
        The shop's holdout key.
    as_of
        Naive UTC.
    """
    _prepare(connection, known, policy, as_of)
    relations = Relations(connection, candidates, "occupied")
    summary = Summary()
    with Files(out) as files:
        for block in blocks(relations, policy, block_rows) if policy.plays else ():
            arms, open_actions, before = (
                relations.of_block(table, block.customers[0], block.customers[-1])
                for table in ("arms", "unsent", "decided")
            )
            assigner = Assigner(key, frozen_arms(arms))
            verdicts = decide(block, policy, np.datetime64(as_of, "us"), assigner, _before(before))
            carried = still_standing(block, policy, open_actions, assigner.frozen)
            _mark(verdicts, block, policy, carried)
            made = records.decisions(block, policy, as_of, verdicts)
            refused = records.rejections(block, policy, as_of, verdicts)
            drawn = records.assignments(assigner, as_of)
            files.write(decisions=made, standing=together(made, carried), rejections=refused, new_assignments=drawn)
            summary.candidates += block.size
            summary.drawn += drawn.num_rows
            summary.carried += carried.num_rows
            summary.withdrawn += open_actions.num_rows - carried.num_rows
            summary.decided.update(zip(made["play"].to_pylist(), made["arm"].to_pylist(), strict=True))
            summary.rejected.update(zip(refused["play"].to_pylist(), refused["rule"].to_pylist(), strict=True))
    _all_assignments(connection, out)
    return summary


def _prepare(connection: duckdb.DuckDBPyConnection, known: Known, policy: Policy, as_of: datetime) -> None:
    """Tables of what is known beside the candidates, to be read by the block."""
    ledger, log, redirects = known.decisions, known.log, known.redirects
    tables = {
        "occupied": occupied(
            connection, log, ledger, redirects,
            as_of=as_of, send_log_days=policy.send_log_days, history_days=policy.history_days,
        ),
        "unsent": unsent(connection, log, ledger, redirects, as_of=as_of),
        "decided": decided(connection, ledger, redirects, as_of=as_of),
        "arms": standing(connection, known.assignments, redirects),
    }  # fmt: skip
    for name, table in tables.items():
        connection.register("handed_over", table)
        connection.execute(f"create or replace table {name} as from handed_over")


def _before(decided: pa.Table) -> dict[str, Before]:
    return {row["customer_id"]: Before(row["play"], row["arm"], row["expected_margin"]) for row in decided.to_pylist()}


def _mark(verdicts: Verdicts, block: Block, policy: Policy, carried: pa.Table) -> None:
    """A play whose action stands is not rejected, although it may not be decided again."""
    row = {customer: place for place, customer in enumerate(block.customers)}
    place = {play.name: number for number, play in enumerate(policy.plays)}
    for customer, play in zip(carried["customer_id"].to_pylist(), carried["play"].to_pylist(), strict=True):
        verdicts.rule[row[customer], place[play]] = OPEN


class Files:
    """The files of one decision, each appearing whole by one rename."""

    SCHEMAS = {"decisions": DECISIONS, "standing": DECISIONS, "rejections": REJECTIONS, "new_assignments": ASSIGNMENTS}  # noqa: RUF012

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()
        self._writers: dict[str, pq.ParquetWriter] = {}

    def __enter__(self) -> Files:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, schema in self.SCHEMAS.items():
            writer = pq.ParquetWriter(self.folder / f".{name}.tmp", schema, compression="zstd")
            self._writers[name] = self._stack.enter_context(writer)
        return self

    def write(self, **tables: pa.Table) -> None:
        for name, table in tables.items():
            if table.num_rows:
                self._writers[name].write_table(table)

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        self._stack.close()
        for name in self.SCHEMAS if failed is None else ():
            (self.folder / f".{name}.tmp").replace(self.folder / f"{name}.parquet")


def _all_assignments(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Those that stood and those drawn now."""
    connection.execute(
        f"copy (from arms union all from read_parquet('{folder}/new_assignments.parquet') order by 1, 2) "
        f"to '{folder}/.assignments.tmp' (format parquet, compression zstd, row_group_size 122880)"
    )
    (folder / ".assignments.tmp").replace(folder / "assignments.parquet")
