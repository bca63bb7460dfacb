"""Logs of interactions as they lie around: Parquet, CSV, or a line of items per user.

Belongs here: the rows of a log, and the items of a catalogue. Does not belong here: what is wrong with a column
(``tables``), how instants are spelled (``instants``), what a split makes of rows (``protocols``).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from ml.recommender.block import Texts
from ml.recommender.evaluation.errors import LogError
from ml.recommender.evaluation.instants import instants
from ml.recommender.evaluation.tables import columns_of, complete, connect, relation, require
from ml.recommender.sparse import Floats

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


def read_rows(path: Path, columns: Columns | None = None, *, min_rating: float | None = None) -> Rows:
    """Read a log.

    Parameters
    ----------
    path
        Parquet (``.parquet``), a line per user with its items in the order of time (``.txt``, split by blanks), or CSV.

    Raises
    ------
    LogError
        The file or a column is missing, a row lacks user, item, time or rating, or a value cannot be read.
    """
    names = columns or Columns()
    if not path.exists():
        raise LogError(f"{path}: no such file")
    if path.suffix == ".txt":
        return _lines(path)
    with connect() as connection:
        table = relation(path)
        known = columns_of(connection, path, table)
        for role in ("user", "item"):
            require(path, known, getattr(names, role), role)
        if min_rating is not None:
            require(path, known, names.rating, "rating")
        used = {f.name: getattr(names, f.name) for f in fields(names) if getattr(names, f.name) in known}
        complete(connection, path, table, used, min_rating)
        rated = f'where try_cast("{names.rating}" as double) >= {min_rating}' if min_rating is not None else ""
        chosen = ", ".join(f'cast("{name}" as varchar) as "{role}"' for role, name in used.items() if role != "rating")
        got = connection.execute(f"select {chosen} from {table} {rated}").fetchnumpy()
        every = connection.execute(f"select count(*) from {table}").fetchone()
    told = {role: np.asarray(values, object) for role, values in got.items()}
    if not len(told["user"]):
        raise LogError(f"{path} has no row" + (f" with {names.rating} of {min_rating} or more" if rated else ""))
    when, is_time = None, False
    for clock in ("time", "order"):  # an order, where there is one, is exact
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
        chosen = [
            f'try_cast("{name}" as double) as price' if name == "price" else f'cast("{name}" as varchar) as "{name}"'
            for name in ATTRIBUTES
            if name in known
        ]
        query = ", ".join([f'cast("{item}" as varchar) as item', *chosen])
        rows = connection.execute(f"select {query} from {table}").fetchall()
    names = [name for name in ATTRIBUTES if name in known]
    found = {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}
    if None in found:
        raise LogError(f"{path}: a row has no {item}; fill it or leave the row out")
    if len(found) < len(rows):
        raise LogError(f"{path}: {len(rows) - len(found)} rows repeat an item; leave one row per item")
    return found


def _lines(path: Path) -> Rows:
    users: list[str] = []
    items: list[str] = []
    order: list[int] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        user, *own = line.split()
        if not own:
            raise LogError(f"{path}: line {number:,} names a user and no item; leave the line out")
        users += [user] * len(own)
        items += own
        order += range(len(own))
    if not users:
        raise LogError(f"{path} has no row")
    return Rows(np.array(users, object), np.array(items, object), np.array(order, np.float64), False, None, 0)
