"""Logs of interactions as they lie around: Parquet, CSV, or a line of items per user.

Belongs here: the rows of a log, and the items of a catalogue. Does not belong here: what is wrong with a column
(``tables``), how instants are spelled (``instants``), what a split makes of rows (``protocols``).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.recommender.block import Texts
from ml.recommender.evaluation.errors import LogError
from ml.recommender.evaluation.instants import instants
from ml.recommender.evaluation.tables import as_text, ask, columns_of, complete, connect, name_in_sql, relation, require
from ml.recommender.sparse import Floats

if TYPE_CHECKING:
    import duckdb

ATTRIBUTES = ("name", "category", "brand", "price")


@dataclass(frozen=True)
class Columns:
    """How the columns of a log are called; those with a default need not be there."""

    user: str = "user"
    item: str = "item"
    time: str = "time"
    order: str = "order"
    basket: str = "basket"
    rating: str = "rating"


@dataclass(frozen=True)
class Rows:
    """A log as it was read; every array has one entry per row."""

    users: Texts
    items: Texts
    when: Floats | None
    """Days since 1970, or an order; None where the file says neither."""
    is_time: bool
    baskets: Texts | None
    dropped: int
    """Rows below the least rating."""


def read_rows(
    path: Path, columns: Columns | None = None, *, min_rating: float | None = None, needs_time: bool = False
) -> Rows:
    """Read a log.

    Parameters
    ----------
    path
        Parquet (``.parquet``), a line per user with its items in the order of time (``.txt``, split by blanks), or CSV.
    columns
        Those that are not called by their default must be there.
    needs_time
        Whether instants are preferred where the file has an order as well.

    Raises
    ------
    LogError
        The file or a column is missing, a row lacks user, item, time or rating, or a value cannot be read.
    """
    names = columns or Columns()
    if not path.exists():
        raise LogError(f"{path}: no such file")
    if min_rating is not None and not np.isfinite(min_rating):
        raise LogError(f"--min-rating {min_rating} is no number that a rating could reach")
    if path.suffix == ".txt":
        if min_rating is not None or names != Columns():
            raise LogError(f"{path} has a line per user and no columns; leave --min-rating and names of columns out")
        return _lines(path)
    with connect() as connection:
        table = relation(path)
        known = columns_of(connection, path, table)
        for f in fields(names):
            if f.name in ("user", "item") or getattr(names, f.name) != f.default:
                require(path, known, getattr(names, f.name), f.name)
        if min_rating is not None:
            require(path, known, names.rating, "rating")
        used = {f.name: getattr(names, f.name) for f in fields(names) if getattr(names, f.name) in known}
        complete(connection, path, table, used, min_rating)
        rating = f"try_cast({name_in_sql(names.rating)} as double)"
        rated = f"where {rating} >= {min_rating}" if min_rating is not None else ""
        chosen = [f'{as_text(name, known[name])} as "{role}"' for role, name in used.items() if role != "rating"]
        got = ask(connection, path, f"select {', '.join(chosen)} from {table} {rated}").fetchnumpy()
        every = ask(connection, path, f"select count(*) from {table}").fetchone()
    told = {role: np.asarray(values, object) for role, values in got.items()}
    if not len(told["user"]):
        raise LogError(f"{path} has no row" + (f" with {names.rating} of {min_rating} or more" if rated else ""))
    when, is_time = None, False
    for clock in ("order", "time") if needs_time else ("time", "order"):  # an order, where there is one, is exact
        if clock in told:
            when, is_time = instants(path, used[clock], told[clock], is_order=clock == "order")
    dropped = (int(every[0]) if every else 0) - len(told["user"])
    return Rows(told["user"], told["item"], when, is_time, told.get("basket"), dropped)


def join_rows(known: Rows, wanted: Rows) -> Rows:
    """Rows of two files, those of the first in front.

    Raises
    ------
    LogError
        One file has instants and the other an order only.
    """
    if (known.when is None) != (wanted.when is None) or known.is_time != wanted.is_time:
        raise LogError(
            "one of the two files has instants, or an order, and the other has not; give both the same columns"
        )
    has_baskets = known.baskets is not None and wanted.baskets is not None
    return Rows(
        np.concatenate([known.users, wanted.users]),
        np.concatenate([known.items, wanted.items]),
        None if known.when is None or wanted.when is None else np.concatenate([known.when, wanted.when]),
        known.is_time,
        np.concatenate([known.baskets, wanted.baskets]) if has_baskets else None,
        known.dropped + wanted.dropped,
    )


def read_catalogue(path: Path, item: str = "item") -> dict[str, dict[str, Any]]:
    """Attributes of items by item: name, category, brand, price, as far as the file has columns of that name.

    Raises
    ------
    LogError
        The file or its item column is missing, an item is, or stands twice.
    """
    if not path.exists():
        raise LogError(f"{path}: no such file")
    with connect() as connection:
        table = relation(path)
        known = columns_of(connection, path, table)
        require(path, known, item, "item")
        names = [name for name in ATTRIBUTES if name in known]
        chosen = [
            f'try_cast("{name}" as double)' if name == "price" else f'cast("{name}" as varchar)' for name in names
        ]
        if "price" in names:
            _require_numbers(connection, path, table, item)
        rows = ask(
            connection, path, f"select {', '.join([as_text(item, known[item]), *chosen])} from {table}"
        ).fetchall()
    found = {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}
    for own, told in found.items():
        if (price := told.get("price")) is not None and (price < 0 or price == float("inf")):  # NaN is unknown
            raise LogError(f"{path}: item {own!r} has a price of {price}; write what it costs, or leave it empty")
    if None in found or "" in found:
        raise LogError(f"{path}: a row has no {item}; fill it or leave the row out")
    if len(found) < len(rows):
        raise LogError(f"{path}: {len(rows) - len(found)} rows repeat an item; leave one row per item")
    return found


def _require_numbers(connection: duckdb.DuckDBPyConnection, path: Path, table: str, item: str) -> None:
    """Refuse prices that are words: they would be left out without one."""
    words = """try_cast("price" as double) is null and trim("price"::varchar) <> ''"""
    found = ask(
        connection, path, f'select {name_in_sql(item)}, "price", count(*) over () from {table} where {words} limit 1'
    ).fetchone()
    if found:
        raise LogError(
            f"{path}: item {found[0]!r} has the price {found[1]!r}, which is no number ({found[2]:,} rows); write "
            "what it costs, as 12.50, or leave it empty"
        )


def _lines(path: Path) -> Rows:
    users: list[str] = []
    items: list[str] = []
    order: list[int] = []
    lines: dict[str, int] = {}
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LogError(f"{path} cannot be read as text in UTF-8: {error}") from error
    for number, line in enumerate(text.splitlines(), 1):
        user, *own = line.split() or [""]
        if not user:
            continue
        if not own:
            raise LogError(f"{path}: line {number:,} names a user and no item; leave the line out")
        if user in lines:
            raise LogError(
                f"{path}: user {user!r} stands in lines {lines[user]:,} and {number:,}; leave one line per user"
            )
        lines[user] = number
        users += [user] * len(own)
        items += own
        order += range(len(own))
    if not users:
        raise LogError(f"{path} has no row")
    return Rows(np.array(users, object), np.array(items, object), np.array(order, np.float64), False, None, 0)
