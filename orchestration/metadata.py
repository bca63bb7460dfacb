"""What a person wants to see beside an asset in Dagster, from what a stage returned. Never a personal value."""

from __future__ import annotations

import base64
from typing import Any

import dagster as dg

from orchestration.landing import LandingReport
from orchestration.publishing.generation import Generation


def landing_metadata(report: LandingReport, touchpoint: str) -> dict[str, Any]:
    """Counts of one touchpoint and its worst rules with the file and line of their first row."""
    landed = [batch for batch in report.landed if batch.touchpoint == touchpoint]
    counts = {
        name: sum(getattr(batch, name) for batch in landed)
        for name in ("rows_in", "accepted", "quarantined", "duplicates", "refused", "erased")
    }
    worst = sorted(((rule, batch.file) for batch in landed for rule in batch.rules), key=lambda pair: -pair[0].rows)
    metadata: dict[str, Any] = {"dagster/row_count": counts.pop("accepted"), "batches": len(landed), **counts}
    if worst:
        metadata["worst rules"] = dg.MetadataValue.md(
            markdown_table(
                ("rows", "rule", "column", "file", "first line"),
                [(rule.rows, rule.rule, rule.column or "", file, rule.first_line) for rule, file in worst[:10]],
            )
        )
    errors = [error for error in report.errors if error.touchpoint == touchpoint]
    if errors:
        metadata["files not landed"] = dg.MetadataValue.md("\n".join(f"- `{e.file}`: {e.message}" for e in errors))
    return metadata


def markdown_table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    """A table as Dagster shows it."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def published_metadata(generation: Generation) -> dict[str, Any]:
    """Rows of every table of a generation, the first one's as the row count."""
    rows = generation.manifest.rows
    return {
        "generation": generation.generation_id,
        "dagster/row_count": rows["customer_scores"],
        "rows": dg.MetadataValue.md(markdown_table(("table", "rows"), sorted(rows.items()))),
        "contract version": generation.manifest.contract_version,
    }


def picture_metadata(png: bytes) -> dg.MetadataValue:
    """A picture as Dagster shows it."""
    return dg.MetadataValue.md(f"![]({'data:image/png;base64,' + base64.b64encode(png).decode()})")
