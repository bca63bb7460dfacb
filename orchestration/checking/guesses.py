"""Guesses of ``regulars init`` that still wait for a person.

Belongs here: counting them. Does not belong here: making them (``orchestration.drafting``).
"""

from __future__ import annotations

from orchestration.drafting.entries import MARK
from orchestration.drafting.mapping import MARK as SQL_MARK
from orchestration.shop import Shop

MARKS = {".yml": MARK, ".sql": SQL_MARK}


def unconfirmed(shop: Shop) -> list[str]:
    """A sentence for each file of the shop's folder in which some line still begins with a mark."""
    found = []
    for path in sorted(path for path in shop.folder.iterdir() if path.suffix in MARKS):
        mark = MARKS[path.suffix]
        lines = path.read_text(encoding="utf-8").splitlines()
        if waiting := sum(line.lstrip().startswith(mark) for line in lines):
            found.append(
                f"{path.name}: {waiting} line(s) begin with `{mark.strip()}`: guesses of `regulars init`. Remove the "
                "mark in front of what is right, the line where it is not"
            )
    return found
