"""Rows refused at the door, each with file, line, column, value, rule and the whole row.

Belongs here: the quarantine file. It holds values, personal ones too: only this file does, no log and no report.
Does not belong here: deciding what is refused (``checks``).
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from orchestration.landing import sql
from orchestration.landing.checks import Rule
from orchestration.landing.lines import physical_lines
from orchestration.landing.manifest import RuleCount
from orchestration.landing.reader import LINE, Landed


def write_quarantine(
    connection: duckdb.DuckDBPyConnection, landed: Landed, rules: tuple[Rule, ...], file: str, target: Path
) -> tuple[RuleCount, ...]:
    """Write the rows of ``malformed``, and those of ``staged`` that violate a rule, to a Parquet file.

    Columns: file, line, column_name, value, rule, raw_row (JSON of the file's own columns; of a malformed row its
    text), in the order of the file. Rows of erased people are in neither.
    """
    physical_lines(connection, landed)
    named = ", ".join(
        f"({number}, nullif({sql.text(rule.column)}, ''), {sql.text(rule.name)})"
        for number, rule in enumerate(rules, start=1)
    )
    connection.execute(f"create or replace temp view rules as from (values {named}) t(violated, column_name, rule)")
    row = ", ".join(f"{sql.name(column)} := landed.{sql.name(column)}" for column in landed.columns)
    connection.execute(f"""
        copy (
            with bad as (select * from staged where violated > 0 and not is_refused),
            judged as (
                select
                    line,
                    column_name,
                    if(violated = 1, null, violated_value) as value,
                    if(violated = 1, rule || ': ' || violated_value, rule) as rule,
                    to_json(struct_pack({row}))::varchar as raw_row
                from bad
                join rules using (violated)
                join landed_lines using ({LINE})
                join landed using ({LINE})
            ),
            broken as (
                select
                    line + further as line, null as column_name, null as value, rule,
                    to_json({{'text': raw}})::varchar as raw_row
                from malformed join malformed_lines using ({LINE})
            )
            select {sql.text(file)} as file, *
            from (from judged union all from broken)
            order by line, rule, raw_row
        ) to {sql.text(str(target))} (format parquet, compression zstd)
    """)
    counted = connection.execute(f"""
        select rule, column_name, count(*), min(line) from read_parquet({sql.file(target)})
        group by all order by count(*) desc, min(line), rule, column_name
    """).fetchall()
    return tuple(RuleCount(*found) for found in counted)
