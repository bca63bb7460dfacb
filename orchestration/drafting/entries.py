"""An entry under ``touchpoints:`` of a drafted shop.yml.

Belongs here: files, how they are written, columns sure and guessed. Does not belong here: the rest of shop.yml
(``draft``), mappings in SQL (``mapping``).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from orchestration.drafting.content import Content
from orchestration.drafting.guess import Choice, Guess
from orchestration.drafting.layout import Files
from orchestration.drafting.mapping import foreign_words, needs_mapping

MARK = "#? "
"""Begins a line of shop.yml that is only a guess: to confirm it is to remove the mark."""


@dataclass(frozen=True)
class Found:
    """One touchpoint: its files, what the largest of them looks like."""

    files: Files
    guess: Guess

    @property
    def name(self) -> str:
        return self.guess.contract.name

    def instants(self) -> list[Content]:
        """Of the columns that become days or instants."""
        types = {column.name: column.data_type for column in self.guess.contract.incoming}
        chosen = [choice.column for name, choice in self.guess.choices.items() if types[name] in ("timestamp", "date")]
        known = [self.guess.known_at.column] if self.guess.known_at else []
        return [self.guess.contents[column] for column in (*chosen, *known)]


def touchpoint_lines(one: Found) -> list[str]:
    guess = one.guess
    lines = [f"  {one.name}:", f"    files: {scalar(one.files.pattern)}"]
    if not guess.contract.mutable:
        lines.append(
            "    history: true  # a row counts as known when it happened; remove it once daily files are landed"
        )
    lines += _notation(one)
    if needs_mapping(guess):
        return [*lines, f"    # its columns are mapped by {one.name}.sql beside this file"]
    if guess.known_at:
        lines.append(_marked(guess.known_at, 4))
    renamed = [choice for choice in guess.choices.values() if choice.column != choice.canonical]
    if renamed or guess.missing:
        lines.append("    columns:")
    lines += [_marked(choice, 6) for choice in renamed]
    lines += [f"      # {name}: required, and no column looks like it" for name in guess.missing]
    lines += foreign_words(guess, "    # ")
    if guess.unused:
        lines.append(f"    # not used: {', '.join(guess.unused)}")
    return lines


def _notation(one: Found) -> list[str]:
    lines, contents = [], one.guess.contents
    if one.guess.sample.encoding != "utf-8":
        lines.append(f"    encoding: {one.guess.sample.encoding}")
    numbers = [*one.guess.choices.values(), *([one.guess.line_total] if one.guess.line_total else [])]
    if any(contents[choice.column].has_decimal_comma for choice in numbers):
        lines.append('    decimal: ","')
    if parted := next((contents[one.column].thousands for one in numbers if contents[one.column].thousands), ""):
        lines.append(f"    thousands: {json.dumps(parted)}")
    formats = list(dict.fromkeys(written for content in one.instants() for written in content.date_formats))
    if formats:
        is_ambiguous = any(content.is_ambiguous for content in one.instants())
        mark, why = (MARK, "  # day first or month first? No value tells") if is_ambiguous else ("", "")
        lines.append(f"    {mark}date_format: [{', '.join(map(json.dumps, formats))}]{why}")
    return lines


def _marked(choice: Choice, indent: int) -> str:
    line = f"{choice.canonical}: {scalar(choice.column)}"
    if choice.is_sure:
        return " " * indent + line
    others = f"; also possible: {', '.join(choice.others)}" if choice.others else ""
    return f"{' ' * indent}{MARK}{line}  # a guess{others}"


def scalar(value: str | None) -> str:
    """A YAML scalar; quoted where plain text would mean something else."""
    words = ("yes", "no", "on", "off", "true", "false", "null", "y", "n")
    is_plain = value is not None and re.fullmatch(r"[A-Za-z_][\w .()/-]*[\w)]|[A-Za-z]", value)
    return str(value) if is_plain and str(value).lower() not in words else json.dumps(value, ensure_ascii=False)
