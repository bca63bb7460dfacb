"""What a person sees while a run goes on: one line per stage with its rows and seconds.

Belongs here: following Dagster's events and printing them. Does not belong here: the closing summary.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dagster as dg
import psutil
from rich.console import Console
from rich.markup import escape

STAGES = {
    "raw_batches": "landing",
    "ledger__input_manifest": "input manifest",
    "staging": "staging",
    "persons": "identity",
    "profiles": "profiles and features",
    "ml__snapshots": "snapshots",
    "ml__churn_model": "churn model",
    "ml__churn_scores": "churn scores",
    "ml__churn_drift": "churn drift",
    "ml__interactions": "interactions",
    "ml__recommender": "recommender",
    "ml__recommendations": "recommendations",
    "ml__item_neighbours": "item neighbours",
    "ml__value_model": "value model",
    "ml__value_scores": "value scores",
    "ml__value_drift": "value drift",
    "candidates": "action candidates",
    "ml__action_decisions": "action decisions",
    "activation": "crm tables",
    "published__generation": "generation and audit",
    "published__withdrawals": "withdrawn consents",
    "published__triggered": "live plays",
    "published__files": "publish files",
    "published__postgres": "publish Postgres",
    "reports__run": "report",
}


@dataclass(frozen=True)
class StageRecord:
    """One finished stage."""

    stage: str
    rows: int | None
    seconds: float
    peak_megabytes: int
    succeeded: bool
    said: str = ""
    """What the gate decided, or which model wrote the scores."""


class Progress:
    """Prints to the terminal even while Dagster captures a step's output."""

    def __init__(self, quiet: bool = False) -> None:
        self.records: list[StageRecord] = []
        self.first_error: str | None = None
        # Dagster redirects the process's own descriptors while a step runs; this copy stays with the terminal.
        self.console = Console(file=os.fdopen(os.dup(1), "w"), quiet=quiet, highlight=False, soft_wrap=True)
        self._began = time.monotonic()
        self._started: dict[str, float] = {}
        self._rows: dict[str, int] = {}
        self._said: dict[str, str] = {}
        self._broken: list[str] = []
        self._memory = PeakMemory()

    def follow(self, entry: dg.EventLogEntry) -> None:
        """Take one event of the run."""
        event = entry.dagster_event
        if event is None or event.step_key is None:
            return
        step = event.step_key
        if event.event_type == dg.DagsterEventType.STEP_START:
            self._started[step] = time.monotonic()
            self._memory.reset()
        elif event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION:
            told = event.step_materialization_data.materialization.metadata
            if rows := told.get("dagster/row_count"):
                self._rows[step] = self._rows.get(step, 0) + int(str(rows.value))
            if said := told.get("gate", told.get("model") if rows else None):
                self._said[step] = str(said.value)
        elif event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            if not check.passed and check.severity == dg.AssetCheckSeverity.ERROR and check.description:
                self._broken.append(f"{check.check_name}: {check.description}")
        elif event.event_type in (dg.DagsterEventType.STEP_SUCCESS, dg.DagsterEventType.STEP_FAILURE):
            self._finish(step, event)

    def _finish(self, step: str, event: dg.DagsterEvent) -> None:
        succeeded = event.event_type == dg.DagsterEventType.STEP_SUCCESS
        seconds = time.monotonic() - self._started.get(step, time.monotonic())
        stage, said = STAGES.get(step, step), self._said.get(step, "")
        record = StageRecord(stage, self._rows.get(step), seconds, self._memory.peak(), succeeded, said)
        self.records.append(record)
        rows = f"{record.rows:>12,} rows" if record.rows is not None else " " * 17
        mark = "[green]✓[/]" if succeeded else "[red]✗[/]"
        told = f"  [dim]{escape(said)}[/]" if said else ""
        self.console.print(f"  {mark} {record.stage:<24}{rows} {record.seconds:>8.1f} s{told}")
        if not succeeded and self.first_error is None and event.step_failure_data.error:
            self.first_error = "\n  ".join([_innermost(event.step_failure_data.error), *self._broken])

    @property
    def seconds(self) -> float:
        """Since the command began: stages, what lies between them, and work around the run."""
        return time.monotonic() - self._began

    @property
    def peak_megabytes(self) -> int:
        """Highest resident memory since the start, children included."""
        return self._memory.overall

    @contextmanager
    def task(self, name: str) -> Iterator[None]:
        """A line for work around the run, such as simulating a demo shop's files."""
        started = time.monotonic()
        yield
        self.console.print(f"  [green]✓[/] {name:<24}{'':17} {time.monotonic() - started:>8.1f} s")


class PeakMemory:
    """Highest resident memory of this process and its children in MB, sampled each second and when asked."""

    def __init__(self) -> None:
        self._peak = 0
        self.overall = 0
        self._process = psutil.Process()
        threading.Thread(target=self._sample, daemon=True).start()

    def reset(self) -> None:
        self._peak = 0

    def peak(self) -> int:
        self._look()
        return self._peak

    def _sample(self) -> None:
        while True:
            self._look()
            time.sleep(1)  # finding the children reads all of /proc

    def _look(self) -> None:
        total = self._process.memory_info().rss
        for child in self._process.children(recursive=True):
            try:
                total += child.memory_info().rss
            except psutil.Error:
                continue
        self._peak = max(self._peak, total >> 20)
        self.overall = max(self.overall, self._peak)


def _innermost(error: Any) -> str:
    """The message of what a stage raised, without Dagster's wrapping and without the name of its class.

    What the stage's own error came from is for the log: the stage has put it into words.
    """
    while error.cause is not None and str(error.cls_name).startswith("Dagster"):
        error = error.cause
    first, separator, rest = str(error.message).strip().partition(": ")
    return rest if separator and first.endswith(str(error.cls_name)) else str(error.message).strip()
