"""``regulars init``: a shop's files in, a shop folder out.

Belongs here: the order of the steps, and writing the folder. Does not belong here: what each step does.
"""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatch
from pathlib import Path

import duckdb

from orchestration.checking.rhythm import rhythm, suggestion
from orchestration.drafting.draft import Tempo, confirmed, shop_yml
from orchestration.drafting.entries import Found
from orchestration.drafting.guess import Guess, guess
from orchestration.drafting.layout import Files, common_pattern, grouped
from orchestration.drafting.mapping import MARK as SQL_MARK
from orchestration.drafting.mapping import mapping, needs_mapping
from orchestration.drafting.sample import sample
from orchestration.landing import LandingError, batches, load_contract, rehearsal, rows_path
from orchestration.landing.errors import FileRefusedError
from orchestration.shop import SUFFICIENT, ShopError, load_shop
from orchestration.state import State

Connect = Callable[[], duckdb.DuckDBPyConnection]


@dataclass(frozen=True)
class Draft:
    """The files of a new shop folder, and what a person should know of them."""

    slug: str
    files: dict[str, str]
    """Text by name: shop.yml and mappings."""
    found: tuple[Found, ...]
    leftover: tuple[str, ...]
    """Files that became no touchpoint, each with the reason."""
    tempo: Tempo | None

    def write(self, shops_dir: Path) -> Path:
        """Make the folder; it must not exist."""
        folder = shops_dir / self.slug
        folder.mkdir(parents=True)
        for name, text in self.files.items():
            (folder / name).write_text(text, encoding="utf-8")
        return folder


def require_new(shops_dir: Path, slug: str) -> None:
    """Refuse a name that is no folder name, or that is taken.

    Raises
    ------
    ShopError
        So it is.
    """
    if not re.fullmatch("[a-z][a-z0-9_]*", slug):
        raise ShopError(f"{slug!r} is no name for a shop; take small letters, digits and _, such as my_shop")
    if (shops_dir / slug).exists():
        raise ShopError(
            f"{shops_dir / slug} exists and is left as it is. Look at your files with `regulars check --shop {slug}`, "
            "or take another name"
        )


def draft(
    slug: str, folder: Path, landing: str | None, *, now: datetime, connect: Connect,
    told: Mapping[str, str] | None = None,
) -> Draft:  # fmt: skip
    """Look at every file of a folder and write down what it may be.

    Parameters
    ----------
    landing
        The folder as shop.yml names it; None for the shop's default one.
    told
        Touchpoint by file name or glob, where a person knows better than the names of the columns.

    Raises
    ------
    LandingError
        No file that can be read, or none that a shop can begin with; a touchpoint, or a file told, that there is not.
    """
    groups, others = grouped(folder)
    found, leftover = _recognised(groups, _by_pattern(groups, told or {}), connect)
    leftover += [f"{name}: no CSV, JSON lines or Parquet file" for name in others]
    if not {one.name for one in found} & set(SUFFICIENT):
        raise LandingError(
            f"none of the files in {folder} looks like {', '.join(SUFFICIENT[:-1])} or {SUFFICIENT[-1]}, one of "
            f"which a shop needs: {'; '.join([*leftover, *(f'{one.files.pattern}: {one.name}' for one in found)])}. "
            "Say which it is, such as --touchpoint history.csv=events; shops/online_retail_ii is an example to write "
            "one by hand from"
        )
    mappings = {f"{one.name}.sql": mapping(one.guess) for one in found if needs_mapping(one.guess)}
    first = {"shop.yml": shop_yml(slug, landing, found, leftover), **mappings}
    tempo = _tempo(slug, first, folder, now, connect)
    files = {**first, "shop.yml": shop_yml(slug, landing, found, leftover, tempo)}
    return Draft(slug, files, tuple(found), tuple(leftover), tempo)


def _by_pattern(groups: tuple[Files, ...], told: Mapping[str, str]) -> dict[str, str]:
    """Touchpoint by the pattern of a group."""
    found: dict[str, str] = {}
    for written, touchpoint in told.items():
        if touchpoint not in load_contract():
            raise LandingError(f"there is no touchpoint {touchpoint!r}; there are {', '.join(load_contract())}")
        meant = [files for files in groups if any(fnmatch(path.name, written) for path in files.paths)]
        if not meant:
            raise LandingError(f"no file is called {written}; there are {', '.join(files.pattern for files in groups)}")
        found |= {files.pattern: touchpoint for files in meant}
    return found


def _recognised(groups: tuple[Files, ...], told: Mapping[str, str], connect: Connect) -> tuple[list[Found], list[str]]:
    """Touchpoints in the contract's order, and the files that became none, with the reason."""
    contract = load_contract()
    by_touchpoint: dict[str, list[Found]] = defaultdict(list)
    leftover = []
    for files in groups:
        try:
            with connect() as connection:
                seen = sample(files.largest, connection)
        except FileRefusedError as error:
            leftover.append(f"{files.pattern}: cannot be read: {error}")
            continue
        if likely := guess(seen, contract, told.get(files.pattern)):
            by_touchpoint[likely.contract.name].append(Found(files, likely))
        else:
            leftover.append(f"{files.pattern}: no touchpoint has columns like {', '.join(seen.names[:8])}")
    found = []
    for name in contract:
        if several := by_touchpoint.get(name):
            one, others = _as_one(several)
            found.append(one)
            leftover += [
                f"{other.files.pattern}: also looks like {name}; one entry has one mapping" for other in others
            ]
    return found, leftover


def _as_one(several: list[Found]) -> tuple[Found, list[Found]]:
    """The likeliest group; groups whose columns mean the same join it under one glob."""
    best = max(several, key=lambda one: (one.guess.likelihood, one.guess.sample.rows))
    if len(several) == 1:
        return best, []
    pattern = common_pattern([one.files for one in several])
    if pattern is None or not all(_agree(best.guess, one.guess) for one in several):
        return best, [one for one in several if one is not best]
    return replace(best, files=Files(pattern, tuple(path for one in several for path in one.files.paths))), []


def _agree(one: Guess, other: Guess) -> bool:
    ours, theirs = ({name: c.column for name, c in guess.choices.items() if c.is_sure} for guess in (one, other))
    return all(theirs.get(name, column) == column for name, column in ours.items()) and one.missing == other.missing


def _tempo(slug: str, files: dict[str, str], folder: Path, now: datetime, connect: Connect) -> Tempo | None:
    """Land the files in a rehearsal with every guess taken as right, and look how often customers come back."""
    with tempfile.TemporaryDirectory() as scratch:
        shop_folder = Path(scratch) / "shops" / slug
        shop_folder.mkdir(parents=True)
        for name, text in files.items():
            (shop_folder / name).write_text(confirmed(confirmed(text), SQL_MARK), encoding="utf-8")
        try:
            shop = load_shop(shop_folder.parent, slug)
            state = State(Path(scratch) / "data", Path(scratch) / "keys", slug)
            with rehearsal(shop, state, folder, now=now, connect=connect) as rehearsed, connect() as connection:
                landed = batches(rehearsed.state).get(shop.churn.activity, [])
                seen = rhythm(connection, [rows_path(rehearsed.state, batch) for batch in landed], shop)
        except (ShopError, LandingError):
            return None  # a guess was wrong; `regulars check` says which
        wise = suggestion(seen, shop.churn.label_delay_days) if seen else None
        return Tempo(seen, wise, now.date()) if seen else None
