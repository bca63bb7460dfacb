"""What the audit measures of a whole table, and how many rows break a rule, as DuckDB SQL.

Belongs here: one select per kind of rule. Does not belong here: verdicts (``orchestration.resources.expectations``)
and which rules there are (``ml.quality``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from ml.quality.rules import Kind, Measure, Rule
from ml.quality.suites import ENOUGH_TO_VARY, FALL, FEW_ROWS, JUMP
from orchestration.publishing.contract import Contract, Need, Table
from orchestration.publishing.engine import parquet
from orchestration.publishing.generation import Generation
from orchestration.publishing.permissions import literal, matches, quoted
from orchestration.publishing.suppression import Privacy


@dataclass(frozen=True)
class Measurer:
    """Measures one generation."""

    connection: duckdb.DuckDBPyConnection
    contract: Contract
    generation: Generation
    previous_rows: dict[str, int]
    privacy: Privacy
    grants: Path | None

    def measure(self, rule: Rule) -> Measure:
        """The number that decides a rule on tables, with the range it must keep."""
        if rule.kind in (Kind.NO_FALL, Kind.NO_JUMP):
            return self._growth(rule)
        if rule.kind is Kind.NOT_CONSTANT:
            return self._variety(rule)
        return Measure(rule, self.failing_rows(rule), max=0)

    def failing_rows(self, rule: Rule) -> int:
        """Rows that break a rule (groups of rows for a unique key); never which."""
        table = self.contract.table(rule.table)
        if rule.kind is Kind.UNIQUE_KEY:
            key = ", ".join(quoted(name) for name in table.key)
            return self._number(
                f"select count(*) from (select 1 from {self._of(table)} group by {key} having count(*) > 1)"
            )
        if rule.kind in (Kind.NO_FALL, Kind.NO_JUMP, Kind.NOT_CONSTANT):
            return 1
        return self._number(f"select count(*) from {self._of(table)} as t where {self._breaks(rule, table)}")

    def _breaks(self, rule: Rule, table: Table) -> str:
        value = f"t.{quoted(rule.column)}" if rule.column else ""
        if rule.kind is Kind.REQUIRED:
            return f"{value} is null"
        if rule.kind is Kind.ALLOWED:
            return f"{value} not in ({', '.join(literal(one) for one in rule.allowed)})"
        if rule.kind is Kind.BETWEEN:
            low = [f"{value} < {rule.min}"] if rule.min is not None else []
            high = [f"{value} > {rule.max}"] if rule.max is not None else []
            return " or ".join(low + high)
        if rule.kind is Kind.FINITE:
            return f"not isfinite({value})"
        if rule.kind is Kind.ONE_AS_OF:
            return f"{value} is distinct from timestamp {literal(self.generation.manifest.weighed_at.isoformat())}"
        alive = "t.op = 'upsert' and " if table.is_feed else ""
        if rule.kind is Kind.NOT_SUPPRESSED:
            return f"{alive}{value} in (select customer_id from {parquet(self.privacy.suppressions)})"
        return f"{alive}({self._shows(rule, table)}) and {self._lacks(rule, table)}"

    def _shows(self, rule: Rule, table: Table) -> str:
        """Whether a row tells anything that the rule's purpose is needed for."""
        need = Need.parse(rule.need or "")
        if table.needs == need:
            return "true"
        told = [f"t.{quoted(name)} = {literal(need.text)}" for name, of_row in table.needed_by_rows if of_row == need]
        for column in table.columns:
            value = f"t.{quoted(column.name)}"
            if column.needs != need or column.name in table.key:
                continue
            if column.otherwise is not None:
                told.append(f"{value} <> {literal(column.otherwise)}")
            elif not column.is_boolean:
                told.append(f"{value} is not null")
            elif rule.kind is not Kind.FOLLOWS_FLAG:
                told.append(f"{value} is true")
        return " or ".join(told) or "false"

    def _lacks(self, rule: Rule, table: Table) -> str:
        need = Need.parse(rule.need or "")
        if rule.kind is Kind.NOT_WITHDRAWN:
            withdrawn = f"select customer_id from {parquet(self.privacy.withdrawals)} where {matches(need)}"
            return f"t.customer_id in ({withdrawn})"
        if rule.kind is Kind.FOLLOWS_FLAG:
            return self._unflagged(table, need)
        return self._ungranted(need)

    def _unflagged(self, table: Table, need: Need) -> str:
        for other in (table, *(one for one in self.contract.given if one.key == ("customer_id",))):
            flags = [column.name for column in other.columns if column.needs == need and column.is_boolean]
            if flags and other is table:
                return f"t.{quoted(flags[0])} is not true"
            if flags:
                flagged = (
                    f"select customer_id from {self._of(other)} where {quoted(flags[0])} and customer_id is not null"
                )
                return f"t.customer_id not in ({flagged})"
        return "false"

    def _ungranted(self, need: Need) -> str:
        if self.grants is None:
            return "false"
        exact = f"bool_and(is_granted) filter (where channel = {literal(need.channel)})" if need.channel else "null"
        general = "bool_and(is_granted) filter (where channel is null)"
        granted = (
            f"select customer_id from {parquet(self.grants)} where purpose = {literal(need.purpose)} "
            f"and customer_id is not null group by customer_id having coalesce({exact}, {general}, false)"
        )
        return f"t.customer_id not in ({granted})"

    def _growth(self, rule: Rule) -> Measure:
        rows, before = self.generation.manifest.rows[rule.table], self.previous_rows.get(rule.table)
        judged = before is not None and abs(rows - before) >= FEW_ROWS and before > 0
        share = rows / before if judged and before else 1.0
        return Measure(rule, share, min=FALL) if rule.kind is Kind.NO_FALL else Measure(rule, share, max=JUMP)

    def _variety(self, rule: Rule) -> Measure:
        table, value = self.contract.table(rule.table), quoted(rule.column or "")
        has_status = any(column.name == "status" and "scored" in (column.allowed or ()) for column in table.columns)
        where = "where status = 'scored'" if has_status else ""
        select = f"select count({value}), min({value}) = max({value}) from {self._of(table)} {where}"
        scores, is_constant = self.connection.execute(select).fetchone() or (0, None)
        return Measure(rule, 1 if is_constant and scores >= ENOUGH_TO_VARY else 2, min=2)

    def _of(self, table: Table) -> str:
        return parquet(self.generation.file(table.name))

    def _number(self, select: str) -> int:
        row = self.connection.execute(select).fetchone()
        return int(row[0]) if row else 0
