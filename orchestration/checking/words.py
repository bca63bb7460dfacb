"""A check as a person reads it.

Belongs here: tables and sentences for the terminal. Does not belong here: any judgement, any cell of any row.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.checking.findings import AsOfs, FileFinding, Findings

MOST_FILES = 24
"""More of them are shown by touchpoint."""
MOST_RULES = 20


def show(findings: Findings, console: Console) -> None:
    """Print all of it, and what to do next."""
    console.print(f"[bold]{escape(findings.shop)}[/]: what a landing would do. Nothing is landed, nothing changes.\n")
    console.print(_files(findings.files))
    _print_rules(findings.files, console)
    _print_errors(findings, console)
    _print_unused(findings.files, console)
    _print_churn(findings, console)
    for note in findings.notes:
        console.print(f"· {escape(note)}", soft_wrap=True)
    for trouble in findings.troubles:
        console.print(f"[yellow]![/] {escape(trouble)}", soft_wrap=True)


def _files(files: tuple[FileFinding, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("", "touchpoint", "file", "rows", "accepted", "bad", "duplicates", "refused"):
        table.add_column(heading, justify="left" if heading in ("", "touchpoint", "file") else "right", overflow="fold")
    shown = files if len(files) <= MOST_FILES else _by_touchpoint(files)
    for file in shown:
        if file.error:
            table.add_row("[red]✗[/]", file.touchpoint, escape(file.file), "[red]cannot be landed[/]")
        elif file.has_landed_before:
            table.add_row("[green]✓[/]", file.touchpoint, escape(file.file), "landed before")
        elif not file.rows_in:
            table.add_row("[green]✓[/]", file.touchpoint, escape(file.file), "no row")
        else:
            counts = (file.rows_in, file.accepted, file.quarantined, file.duplicates, file.refused)
            table.add_row("[green]✓[/]", file.touchpoint, escape(file.file), *(f"{count:,}" for count in counts))
    return table


def _by_touchpoint(files: tuple[FileFinding, ...]) -> list[FileFinding]:
    """Files that cannot be landed one by one, the others summed up."""
    shown = []
    for name, several in groupby(files, key=lambda file: file.touchpoint):
        group = list(several)
        good = [file for file in group if not file.error and not file.has_landed_before]
        sums = {
            count: sum(getattr(file, count) for file in good)
            for count in ("rows_in", "accepted", "quarantined", "duplicates", "refused")
        }
        if good:
            shown.append(FileFinding(name, f"{len(good)} files", **sums))
        if before := [file for file in group if file.has_landed_before]:
            shown.append(FileFinding(name, f"{len(before)} files", has_landed_before=True))
        shown += [file for file in group if file.error]
    return shown


def _print_rules(files: Iterable[FileFinding], console: Console) -> None:
    every = sorted(((rule, file) for file in files for rule in file.rules), key=lambda pair: -pair[0].rows)
    if not every:
        return
    title = "Rows that a landing would put in quarantine"
    table = Table(box=None, pad_edge=False, header_style="dim", title=title, title_justify="left")
    for heading in ("rows", "rule", "column", "first in", "line", "looks like"):
        table.add_column(heading, justify="right" if heading in ("rows", "line") else "left", overflow="fold")
    for rule, file in every[:MOST_RULES]:
        cells = (f"{rule.rows:,}", rule.rule, rule.column or "", file.file, f"{rule.first_line:,}", rule.example)
        table.add_row(*map(escape, cells))
    console.print()
    console.print(table)
    if len(every) > MOST_RULES:
        console.print(f"… and {len(every) - MOST_RULES} more")


def _print_errors(findings: Findings, console: Console) -> None:
    console.print()
    for file in findings.files:
        if file.error:
            console.print(f"[red]✗[/] {escape(file.file)} ({file.touchpoint}): {escape(file.error)}", soft_wrap=True)
    for name, why in findings.left_alone.items():
        console.print(f"[yellow]![/] {escape(name)} is left alone: {escape(why)}", soft_wrap=True)
    if findings.unmatched:
        names = ", ".join(findings.unmatched[:8]) + (" …" if len(findings.unmatched) > 8 else "")
        console.print(f"· no touchpoint asks for {escape(names)}", soft_wrap=True)
    for name in findings.without_file:
        console.print(f"[yellow]![/] {name}: no file matches its `files:`")


def _print_unused(files: Iterable[FileFinding], console: Console) -> None:
    said = set()
    for file in files:
        if not file.unused or (file.touchpoint, file.unused) in said:
            continue
        said.add((file.touchpoint, file.unused))
        names = ", ".join(f"{name} (looks like {like})" if like else name for name, like in file.unused)
        console.print(f"· {file.touchpoint}: not used of {escape(file.file)}: {escape(names)}", soft_wrap=True)


def _print_churn(findings: Findings, console: Console) -> None:
    seen, wise = findings.rhythm, findings.suggestion
    if seen is None:
        return
    what = "order" if findings.activity == "orders" else "are active"
    console.print(
        f"\n[bold]Rhythm[/]  {seen.customers:,} customers {what} on {seen.purchase_days:,} days, {seen.first_day} to "
        f"{seen.last_day}. Half of all returns come within {seen.median_gap} days, 90 % within {seen.long_gap}, "
        f"99 % within {seen.rare_gap}.",
        soft_wrap=True,
    )
    if wise:
        cut = " (shortened: the history is short)" if wise.is_cut else ""
        console.print(f"  suggests  churn: {{horizon_days: {wise.horizon_days}, active_days: {wise.active_days}}}{cut}")
    else:
        console.print("  too few customers came back to suggest a horizon")
    if findings.as_ofs:
        _print_as_ofs(findings.as_ofs, console)


def _print_as_ofs(possible: AsOfs, console: Console) -> None:
    trained = (
        f"a model can be trained from {possible.first_trainable}" if possible.first_trainable else "none can train"
    )
    judged = f", the outcome is known up to {possible.last_evaluable}" if possible.last_evaluable else ""
    console.print(f"[bold]As-ofs[/]  {possible.first} to {possible.last}; {trained}{judged}.", soft_wrap=True)
    now, labelled = possible.now, possible.labelled
    console.print(
        f"  a run takes {possible.default}: {now.eligible:,} customers eligible, {possible.training_snapshots} "
        "training snapshots"
        + (
            f"; the newest, {labelled.as_of_date}: {labelled.eligible:,} eligible, {labelled.churned:,} of them gone"
            if labelled
            else ""
        ),
        soft_wrap=True,
    )
