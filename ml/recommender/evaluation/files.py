"""Logs of interactions as they lie around: Parquet, CSV, or a line of items per user.

Belongs here: reading columns, and saying what is wrong with them. Does not belong here: what a split makes of them
(``protocols``).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.recommender.block import Texts
from ml.recommender.evaluation.errors import LogError
from ml.recommender.sparse import Floats

if TYPE_CHECKING:
    import duckdb

SECONDS_FROM, MILLISECONDS_FROM = 1e8, 1e11
"""Numbers from here on are seconds, or thousandths of seconds, since 1970; smaller ones are only an order."""
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
    with _connect() as connection:
        relation = _relation(path)
        known = _known(connection, path, relation)
        for role in ("user", "item"):
            _require(path, known, getattr(names, role), role)
        if min_rating is not None:
            _require(path, known, names.rating, "rating")
        used = {f.name: getattr(names, f.name) for f in fields(names) if getattr(names, f.name) in known}
        _complete(connection, path, relation, used, min_rating)
        rated = f'where try_cast("{names.rating}" as double) >= {min_rating}' if min_rating is not None else ""
        chosen = ", ".join(f'cast("{name}" as varchar) as "{role}"' for role, name in used.items() if role != "rating")
        got = connection.execute(f"select {chosen} from {relation} {rated}").fetchnumpy()
        every = connection.execute(f"select count(*) from {relation}").fetchone()
    told = {role: np.asarray(values, object) for role, values in got.items()}
    if not len(told["user"]):
        raise LogError(f"{path} has no row" + (f" with {names.rating} of {min_rating} or more" if rated else ""))
    when, is_time = None, False
    for clock in ("time", "order"):  # an order, where there is one, is exact
        if clock in told:
            when, is_time = _instants(path, used[clock], told[clock], is_order=clock == "order")
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
    with _connect() as connection:
        relation = _relation(path)
        known = _known(connection, path, relation)
        _require(path, known, item, "item")
        chosen = [
            f'try_cast("{name}" as double) as price' if name == "price" else f'cast("{name}" as varchar) as "{name}"'
            for name in ATTRIBUTES
            if name in known
        ]
        query = ", ".join([f'cast("{item}" as varchar) as item', *chosen])
        rows = connection.execute(f"select {query} from {relation}").fetchall()
    names = [name for name in ATTRIBUTES if name in known]
    found = {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}
    if None in found:
        raise LogError(f"{path}: a row has no {item}; fill it or leave the row out")
    if len(found) < len(rows):
        raise LogError(f"{path}: {len(rows) - len(found)} rows repeat an item; leave one row per item")
    return found


def _connect() -> duckdb.DuckDBPyConnection:
    import duckdb

    return duckdb.connect(config={"threads": 2})


def _relation(path: Path) -> str:
    quoted = str(path).replace("'", "''")
    if path.suffix == ".parquet":
        return f"read_parquet('{quoted}')"
    return f"read_csv('{quoted}', header = true, all_varchar = true, strict_mode = true)"


def _known(connection: duckdb.DuckDBPyConnection, path: Path, relation: str) -> list[str]:
    import duckdb

    try:
        return [row[0] for row in connection.execute(f"describe select * from {relation}").fetchall()]
    except duckdb.Error as error:
        raise LogError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error


def _require(path: Path, known: list[str], name: str, role: str) -> None:
    if name not in known:
        raise LogError(
            f"{path} has no column {name!r} for the {role}; it has {', '.join(known)}. "
            f"Say which one it is with --{role}"
        )


def _complete(
    connection: duckdb.DuckDBPyConnection, path: Path, relation: str, used: dict[str, str], min_rating: float | None
) -> None:
    """Every row has what it needs; the first that has not is named."""
    wanted = {role: f'"{used[role]}" is null' for role in ("user", "item", "time", "order", "basket") if role in used}
    if min_rating is not None:
        number = f'try_cast("{used["rating"]}" as double)'
        wanted["rating"] = f"({number} is null or isnan({number}))"
    for role, broken in wanted.items():
        found = connection.execute(
            f"select count(*), min(line) from (select *, row_number() over () as line from {relation}) where {broken}"
        ).fetchone()
        if found and found[0]:
            raise LogError(
                f"{path}: {found[0]:,} rows have no {used[role]} that can be read, first row {found[1]:,}; "
                "fill them or leave them out"
            )


def _instants(path: Path, name: str, told: Texts, *, is_order: bool) -> tuple[Floats, bool]:
    """Numbers of an order, or days since 1970 of instants in any common spelling."""
    import pandas as pd

    texts = pd.Series(told)
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(float)
    if np.isfinite(numbers).all():
        days = pd.to_datetime(texts, format="%Y%m%d", errors="coerce") if texts.str.len().eq(8).all() else None
        if not is_order and days is not None and days.notna().all():
            return _days(days), True
        if is_order or numbers.min() < SECONDS_FROM:
            return numbers, False
        return numbers / (86_400_000 if numbers.min() >= MILLISECONDS_FROM else 86_400), True
    instants = pd.to_datetime(texts, errors="coerce", utc=True, format="ISO8601")
    if instants.isna().any():
        row = int(np.flatnonzero(instants.isna())[0])
        raise LogError(
            f"{path}: {name} {told[row]!r} in row {row + 1:,} is no instant; write it as 2025-07-01 12:30:00"
        )
    return _days(instants), True


def _days(instants: Any) -> NDArray[np.float64]:
    return np.asarray(instants.astype("int64").to_numpy(float) / _units_per_day(instants))


def _units_per_day(instants: Any) -> float:
    units = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
    return 86_400 * units[instants.dt.unit]


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
