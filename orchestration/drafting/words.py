"""A draft as a person reads it.

Belongs here: what was recognised, what is to be confirmed, what to do next. Does not belong here: the draft's own text.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.drafting.entries import MARK
from orchestration.drafting.mapping import MARK as SQL_MARK
from orchestration.drafting.mapping import made_columns
from orchestration.drafting.start import Draft


def show(draft: Draft, folder: Path, console: Console) -> None:
    """Print the draft's account of itself."""
    console.print(f"[bold]{escape(str(folder))}[/]  {', '.join(draft.files)}\n", soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("touchpoint", "files", "rows", "sure", "to confirm", "made in SQL", "missing"):
        table.add_column(heading, justify="right" if heading == "rows" else "left", overflow="fold")
    for one in draft.found:
        choices = one.guess.choices.values()
        table.add_row(
            one.name,
            escape(one.files.pattern),
            f"{one.guess.sample.rows:,}",
            str(sum(choice.is_sure for choice in choices)),
            escape(", ".join(f"{choice.canonical}: {choice.column}" for choice in choices if not choice.is_sure)),
            ", ".join(made_columns(one.guess)),
            ", ".join(name for name in one.guess.missing if name not in made_columns(one.guess)),
        )
    console.print(table)
    for line in draft.leftover:
        console.print(f"[yellow]![/] {escape(line)}", soft_wrap=True)
    _print_next(draft, folder, console)


def _print_next(draft: Draft, folder: Path, console: Console) -> None:
    guesses = sum(text.count(f"\n{mark}") + text.count(f" {mark}") for text, mark in _marked(draft))
    if draft.tempo and draft.tempo.suggestion:
        wise = draft.tempo.suggestion
        console.print(
            f"\nThe rhythm of purchases suggests a horizon of {wise.horizon_days} days, active_days {wise.active_days}."
        )
    console.print("\nNext:")
    if guesses:
        marks = " or ".join(f"`{mark.strip()}`" for mark in dict.fromkeys(mark for _, mark in _marked(draft)))
        console.print(
            f"  1. edit {escape(_edited(draft, folder))}: {guesses} lines begin with {marks}; remove the mark where "
            "the guess is right",
            soft_wrap=True,
        )
    console.print(f"  {2 if guesses else 1}. regulars check --shop {draft.slug}")
    console.print(f"  {3 if guesses else 2}. regulars run --shop {draft.slug}")


def _edited(draft: Draft, folder: Path) -> str:
    mappings = [name for name in draft.files if name != "shop.yml"]
    return " and ".join([str(folder / "shop.yml"), *mappings])


def _marked(draft: Draft) -> list[tuple[str, str]]:
    every = [(text, SQL_MARK if name.endswith(".sql") else MARK) for name, text in draft.files.items()]
    return [(_without_header(text), mark) for text, mark in every if mark in _without_header(text)]


def _without_header(text: str) -> str:
    """The text from its first line that is no comment about the marks."""
    return "\n" + text.split("\n", 2)[2]
