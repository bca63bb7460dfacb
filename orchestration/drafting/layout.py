"""Which files of a folder belong together, and the glob that finds them and those still to come.

Belongs here: names of files. Does not belong here: what is in them.
"""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass
from pathlib import Path

from orchestration.landing.arrivals import is_unfinished
from orchestration.landing.errors import LandingError
from orchestration.landing.integrity import FORMATS

SUFFIXES = tuple(sorted((*(f"{suffix}.gz" for suffix in FORMATS), *FORMATS, ".parquet"), key=len, reverse=True))


@dataclass(frozen=True)
class Files:
    """Files whose names differ in digits only."""

    pattern: str
    """Glob within the folder."""
    paths: tuple[Path, ...]

    @property
    def largest(self) -> Path:
        return max(self.paths, key=lambda path: (path.stat().st_size, path.name))


def grouped(folder: Path) -> tuple[tuple[Files, ...], tuple[str, ...]]:
    """The readable files of a folder in groups, and the names of the others.

    Raises
    ------
    LandingError
        No such folder, or nothing in it that could be read.
    """
    if not folder.is_dir():
        raise LandingError(
            f"there is no folder {folder}; make it and put the shop's files there, or name one by --files"
        )
    present = sorted(path for path in folder.iterdir() if path.is_file() and not is_unfinished(path.name))
    groups: dict[str, list[Path]] = {}
    others = []
    for path in present:
        suffix = next((suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)), None)
        if suffix is None:
            others.append(path.name)
        else:
            groups.setdefault(_pattern(path.name, len(suffix)), []).append(path)
    if not groups:
        there = f"there are: {', '.join(others[:8])}" if others else "it is empty"
        raise LandingError(f"no CSV, JSON lines or Parquet file in {folder} ({there}); put the shop's files there")
    return tuple(Files(pattern, tuple(paths)) for pattern, paths in groups.items()), tuple(others)


def _pattern(name: str, suffix_length: int) -> str:
    """``orders_2025-07.csv`` -> ``orders_*.csv``: the next month's file is found too."""
    stem, suffix = name[:-suffix_length], name[-suffix_length:]
    digits = re.search(r"\d.*\d|\d", stem)
    if digits and stem[: digits.start()].strip("_-. "):
        return f"{glob.escape(stem[: digits.start()])}*{glob.escape(stem[digits.end() :])}{suffix}"
    return glob.escape(stem) + suffix


def common_pattern(groups: list[Files]) -> str | None:
    """One glob for several groups, if it finds no other file of their folder."""
    start = min(files.pattern.split("*")[0] for files in groups)
    while start and not all(files.pattern.startswith(start) for files in groups):
        start = start[:-1]
    mine = {path for files in groups for path in files.paths}
    found = {path for path in next(iter(mine)).parent.glob(f"{start}*") if path.is_file()}
    return f"{start}*" if start and found == mine else None
