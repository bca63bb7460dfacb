"""Audit: whether a written generation may be shown to readers.

Belongs here: running every rule of the contract over a generation's files and keeping the verdict. Does not belong
here: the rules (``ml.quality``), great-expectations (``orchestration.resources.expectations``), Dagster.

Rows are judged in Arrow batches, keys and rules between tables on numbers that DuckDB takes, so that the size of a
table does not matter. What comes out are names and counts, never a value.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from ml.quality.rules import Finding, Kind, Rule, Severity
from ml.quality.suites import suite
from orchestration.publishing.contract import Contract, Table
from orchestration.publishing.engine import Engine
from orchestration.publishing.generation import Generation, read_generation
from orchestration.publishing.measures import Measurer
from orchestration.publishing.records import Records
from orchestration.publishing.suppression import Privacy
from orchestration.resources.expectations import Judge

BATCH_ROWS = 500_000


def rules_of(contract: Contract) -> list[Rule]:
    """Every rule of the contract, independent of the data; Dagster declares its checks from this list."""
    return [rule for table in contract.tables for rule in suite(table)]


@dataclass(frozen=True)
class Auditor:
    """Audits generations of one shop."""

    published: Path
    contract: Contract
    privacy: Privacy
    engine: Engine = field(default_factory=Engine)
    judge: Judge = field(default_factory=Judge)

    def audit(
        self, generation: Generation, grants: Path | None = None, tables: Collection[str] | None = None
    ) -> list[Finding]:
        """Judge a generation and keep the verdict, without which it cannot be published.

        Parameters
        ----------
        grants
            Parquet of standing grants, computed apart from the tables: customer_id, purpose, channel (null: all),
            is_granted. What it does not grant must not be told. Without it, only the tables' own flags are followed.
        tables
            Judge these only: the others were lent by a generation that passed its own audit, and what was withdrawn
            since is withheld by the views.

        Returns
        -------
        list of Finding
            One per rule of ``rules_of``, in its order. One failed critical finding keeps the generation unpublished.
        """
        generation.verify()
        verdicts: dict[tuple[str, str], bool] = {}
        with self.engine.connect() as connection:
            measurer = self._measurer(connection, generation, grants)
            judged_tables = [one for one in self.contract.tables if tables is None or one.name in tables]
            measures = []
            for table in judged_tables:
                rules = suite(table)
                judged = self._judge_rows(table, generation, [rule for rule in rules if rule.is_of_rows])
                verdicts |= {(table.name, name): passed for name, passed in judged.items()}
                measures += [measurer.measure(rule) for rule in rules if not rule.is_of_rows]
            verdicts |= self.judge.measures(measures)
            findings = [
                _finding(rule, verdicts.get((rule.table, rule.name), False), measurer)
                for table in judged_tables
                for rule in suite(table)
            ]
        Records(self.published).update(generation.generation_id, audit="passed" if is_passed(findings) else "failed")
        return findings

    def _measurer(self, connection: duckdb.DuckDBPyConnection, generation: Generation, grants: Path | None) -> Measurer:
        self.privacy.prepare()
        before = generation.manifest.previous
        previous = read_generation(self.published / before) if before else None
        rows = previous.manifest.rows if previous else {}
        return Measurer(connection, self.contract, generation, rows, self.privacy, grants)

    def _judge_rows(self, table: Table, generation: Generation, rules: Sequence[Rule]) -> dict[str, bool]:
        verdicts = {rule.name: True for rule in rules}
        columns = sorted({rule.column for rule in rules if rule.column})
        with pq.ParquetFile(generation.file(table.name)) as file:
            for batch in file.iter_batches(BATCH_ROWS, columns=columns):
                open_rules = [rule for rule in rules if verdicts[rule.name]]
                verdicts |= self.judge.rows(batch.to_pandas(), open_rules)
        return verdicts


def is_passed(findings: Sequence[Finding]) -> bool:
    """Whether nothing critical failed."""
    return all(finding.passed for finding in findings if finding.severity is Severity.CRITICAL)


def _finding(rule: Rule, passed: bool, measurer: Measurer) -> Finding:
    failing = 0 if passed else measurer.failing_rows(rule)
    detail = "" if passed else f"{failing} {'keys' if rule.kind is Kind.UNIQUE_KEY else 'rows'}"
    if rule.kind in (Kind.NO_FALL, Kind.NO_JUMP):
        before = measurer.previous_rows.get(rule.table)
        detail = (
            f"{measurer.generation.manifest.rows[rule.table]} rows, {before if before is not None else 'none'} before"
        )
    if rule.kind is Kind.STANDING_GRANT and measurer.grants is None:
        detail = "not checked: no standing grants were handed over"
    return Finding(rule.name, rule.table, rule.column, passed, rule.severity, failing, detail)
