"""The end of a run: what was published, where to read it, what was quarantined; and the record of its stages.

Belongs here: words and numbers for a person, ``reports/<run>.json``, the exit code. Does not belong here: progress.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

import pyarrow.parquet as pq
from rich.console import Console
from rich.markup import escape

from orchestration import inputs
from orchestration.activation import generation_meta, publisher
from orchestration.execution import Outcome
from orchestration.files import write_text_atomically
from orchestration.inputs import known_before
from orchestration.landing import batches
from orchestration.notes import files_not_landed
from orchestration.progress import Progress
from orchestration.publishing.generation import Generation
from orchestration.retraining import requests, spoken
from orchestration.settings import PROJECT_ROOT
from orchestration.state import StateError
from orchestration.workspace import Workspace


def close(workspace: Workspace, outcome: Outcome, progress: Progress) -> int:
    """Write the run's record, print the summary, return the exit code: 0, or 1 where a stage or a file failed."""
    seconds = progress.seconds
    record = {
        "run_id": outcome.run_id,
        "as_of_date": outcome.as_of_date.isoformat(),
        "succeeded": outcome.succeeded,
        "error": outcome.error,
        "seconds": round(seconds, 1),
        "peak_megabytes": progress.peak_megabytes,
        "stages": [asdict(stage) for stage in outcome.stages],
    }
    path = workspace.state.reports / f"run-{outcome.as_of_date}-{outcome.run_id[:8]}.json"
    write_text_atomically(path, json.dumps(record, indent=1))
    console = progress.console
    console.print(f"\n{seconds:,.0f} s, peak memory {progress.peak_megabytes / 1024:.1f} GB, record in {_near(path)}")
    _print_quarantine(workspace, console)
    _print_published(workspace, outcome, console)
    if outcome.succeeded and (shared := shared_erasure_requests(workspace)):
        console.print(
            f"[yellow]![/] {shared:,} request(s) to be erased name only an address or number that several people "
            "share: nobody is erased, and nothing is permitted of any of them. Deliver each again with its account; "
            "intermediate.int_shared_erasure_requests names them",
            soft_wrap=True,
        )
    if late := landed_too_late(workspace, outcome.as_of_date):
        console.print(
            f"  Nothing of {', '.join(late)} counts yet: it landed after as-of {outcome.as_of_date} could know of it, "
            "and counts from the as-of after its landing on, such as tomorrow's run",
            soft_wrap=True,
        )
    if asked := requests(workspace, outcome.as_of_date):
        console.print(f"The next run trains: {spoken(asked)}", soft_wrap=True)
    not_landed = files_not_landed(workspace, outcome.run_id)
    for name, why in not_landed.items():
        console.print(f"\n[red]✗[/] {name} was not landed and stays where it is: {escape(why)}", soft_wrap=True)
    if not outcome.succeeded:
        console.print(f"\n[red]✗[/] {escape(outcome.error or '')}", soft_wrap=True)
        console.print(f"  Mend it, then: {_command(workspace)} run --retry (goes on at the stage that failed)")
    return 0 if outcome.succeeded and not not_landed else 1


def _print_quarantine(workspace: Workspace, console: Console) -> None:
    every = [batch for several in batches(workspace.state).values() for batch in several]
    rows_in, duplicates = (sum(getattr(batch, name) for batch in every) for name in ("rows_in", "duplicates"))
    # Counted where they lie: a file of bad rows only is no batch.
    quarantined = sum(pq.read_metadata(file).num_rows for file in workspace.state.quarantine.glob("*/*.parquet"))
    console.print(
        f"Landed so far: {rows_in:,} rows from {len(every)} files; {quarantined:,} in quarantine, "
        f"{duplicates:,} duplicates"
    )
    worst = sorted(((rule, batch) for batch in every for rule in batch.rules), key=lambda pair: -pair[0].rows)[:3]
    for rule, batch in worst:
        column = f" ({rule.column})" if rule.column else ""
        console.print(f"  {rule.rows:>9,} x {rule.rule}{column}, first in {batch.file} line {rule.first_line:,}")
    if quarantined:
        console.print(f"  every one with file, line, column, value and rule under {_near(workspace.state.quarantine)}")


def _print_published(workspace: Workspace, outcome: Outcome, console: Console) -> None:
    files = publisher(workspace).files
    generation, own = files.current(), files.generation(_written(workspace, outcome))
    if own is not None and (why_not := files.refusal(own)):
        console.print(f"[red]Not published[/]: {own.generation_id} was written, but {why_not}", soft_wrap=True)
    if generation is None:
        console.print("Nothing is published yet.")
        return
    scores = generation.manifest.rows["customer_scores"]
    console.print(f"Published: generation [bold]{generation.generation_id}[/], {scores:,} customers")
    if generation.manifest.rows["recommendations"] and not personal_lists(workspace, generation):
        console.print(
            "  Recommendations are the same generic list for everybody: no consent to personalised_recommendations "
            "stands",
            soft_wrap=True,
        )
    console.print(f"  Parquet   {_near(workspace.state.published / 'current')}/customer_scores.parquet")
    console.print(f"  DuckDB    {_near(workspace.state.published / 'current')}/views.duckdb")
    console.print(
        f"  Postgres  {_command(workspace)} psql -c 'select count(*) from crm.customer_scores'", soft_wrap=True
    )


def shared_erasure_requests(workspace: Workspace) -> int:
    """How many requests to be erased cannot be met, as the warehouse was built last: it is not known who asked."""
    with workspace.warehouse() as warehouse:
        select = "select count(distinct request_id) from intermediate.int_shared_erasure_requests"
        found = warehouse.execute(select).fetchone()
    return int(found[0]) if found else 0


def landed_too_late(workspace: Workspace, day: date) -> list[str]:
    """Touchpoints of which an as-of sees nothing, for their rows are known since they landed and that was after it."""
    shop = workspace.shop
    closes = known_before(shop, day)
    return [
        name
        for name, several in batches(workspace.state).items()
        if several
        and (spec := shop.touchpoints.get(name))
        and not (spec.known_at or spec.history)
        and all(datetime.fromisoformat(batch.landed_at).replace(tzinfo=UTC) >= closes for batch in several)
    ]


def personal_lists(workspace: Workspace, generation: Generation) -> int:
    """How many customers have recommendations of their own."""
    select = "select count(distinct customer_id) from read_parquet(?) where arm = 'personalised'"
    found = workspace.connect().execute(select, [str(generation.file("recommendations"))]).fetchone()
    return int(found[0]) if found else 0


def _written(workspace: Workspace, outcome: Outcome) -> str:
    """Name of the run's own generation, whether or not it came to be."""
    try:
        pinned = inputs.pinned(workspace.state, outcome.as_of_date.isoformat())
    except StateError:
        return ""
    return generation_meta(workspace, pinned, outcome.run_id).generation_id


def _command(workspace: Workspace) -> str:
    """How to call ``regulars`` for the same shop from the project's folder."""
    shop = "" if workspace.shop.slug == "demo" else f"REGULARS_SHOP={workspace.shop.slug} "
    return f"{shop}.venv/bin/regulars"


def _near(path: Any) -> str:
    """The path as seen from the project, where it lies within."""
    return str(path.relative_to(PROJECT_ROOT)) if path.is_relative_to(PROJECT_ROOT) else str(path)
