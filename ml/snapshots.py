"""Features and labels of many as-ofs as one matrix, read from Parquet snapshot by snapshot.

Belongs here: reading, joining, sampling, sorting. Does not belong here: anything that learns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.engine import Engine
from ml.splits import sample_limit
from ml.treatments.record import COLUMNS as TREATMENT_COLUMNS
from ml.treatments.record import Treatments, stacked

if TYPE_CHECKING:
    import pyarrow as pa

KEYS = ("as_of_date", "customer_id")
HASH_SQL = "cast('0x' || substr(md5(customer_id), 1, 8) as bigint)"


@dataclass(frozen=True)
class Snapshots:
    """Labelled customers of several as-ofs, sorted by as-of and customer.

    ``X`` float32 (rows, features), NaN where unknown; ``Y`` what then happened, (rows, targets); ``day`` the as-of of
    each row as days since 1970; ``hashed`` the customer's hash (``ml.splits``), never the customer itself.
    """

    names: tuple[str, ...]
    targets: tuple[str, ...]
    X: NDArray[np.float32]
    Y: NDArray[np.float64]
    day: NDArray[np.int32]
    hashed: NDArray[np.int64]
    treatments: Treatments | None = None
    """What we ourselves did while the outcome was awaited; None where no play was decided."""

    def __len__(self) -> int:
        return len(self.day)

    @property
    def y(self) -> NDArray[np.float64]:
        """The first target; 1.0 where a yes-or-no came true."""
        return self.Y[:, 0]

    def target(self, name: str) -> NDArray[np.float64]:
        return self.Y[:, self.targets.index(name)]

    def rows(self, kept: NDArray[np.bool_]) -> Snapshots:
        """Some rows; a view where they stand together, as those of one as-of and all before it do."""
        where = np.flatnonzero(kept)
        own: Any = kept
        if len(where) and where[-1] - where[0] + 1 == len(where):
            own = slice(where[0], where[-1] + 1)
        done = self.treatments.rows(own) if self.treatments else None
        return replace(self, X=self.X[own], Y=self.Y[own], day=self.day[own], hashed=self.hashed[own], treatments=done)

    def at(self, dates: Sequence[date]) -> Snapshots:
        return self.rows(np.isin(self.day, [day_number(day) for day in dates]))

    @property
    def dates(self) -> tuple[date, ...]:
        return tuple(date.fromordinal(int(day) + EPOCH) for day in np.unique(self.day))

    @property
    def customers(self) -> int:
        return len(np.unique(self.hashed))

    def some_of_newest(self, most: int) -> NDArray[np.float32]:
        """Features of some customers of the newest as-of, chosen by their hash, (at most ``most``, features)."""
        newest = self.at(self.dates[-1:])
        return newest.X[np.argsort(newest.hashed, kind="stable")[:most]]

    @property
    def key(self) -> bytes:
        """Which rows these are, among those of one reading."""
        return hashlib.sha256(self.day.tobytes() + self.hashed.tobytes()).digest()

    @property
    def content_hash(self) -> str:
        """Hash of exactly what can be learned from: names, order, values, outcomes."""
        digest = hashlib.sha256(" ".join(self.names).encode())
        for part in (self.day, self.hashed, self.Y, self.X):
            digest.update(np.ascontiguousarray(part).tobytes())
        for content in self.treatments.digested() if self.treatments else ():
            digest.update(content)
        return digest.hexdigest()

    def column(self, name: str) -> NDArray[np.float64]:
        return self.X[:, self.names.index(name)].astype(np.float64)


EPOCH = date(1970, 1, 1).toordinal()


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - EPOCH


def feature_names(features: Path) -> tuple[str, ...]:
    """The numeric columns of a feature file that are no key, in the file's order."""
    import pyarrow.parquet as pq
    import pyarrow.types as types

    schema = pq.read_schema(features)
    numeric = (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean)
    return tuple(f.name for f in schema if f.name not in KEYS and any(is_a(f.type) for is_a in numeric))


CHURNED = ("has_churned",)


def known_snapshots(labels: Path, engine: Engine, targets: Sequence[str] = CHURNED) -> dict[date, int]:
    """As-ofs whose outcome stands in the label file, with the number of customers that can teach."""
    query = f"select as_of_date, count(*) from read_parquet(?) where {_teaches(targets)} group by 1 order by 1"
    with engine.connect() as connection:
        return dict(connection.execute(query, [str(labels)]).fetchall())


def _teaches(targets: Sequence[str]) -> str:
    """Who objected to profiling neither is scored nor teaches (design 5)."""
    return " and ".join(["is_eligible and is_profiled", *(f"{name} is not null" for name in targets)])


def read_snapshots(
    features: Path,
    labels: Path,
    names: Sequence[str],
    dates: Sequence[date],
    engine: Engine,
    *,
    max_rows: int,
    targets: Sequence[str] = CHURNED,
) -> Snapshots:
    """Labelled rows of those as-ofs; above ``max_rows`` a hashed sample of customers, the same in each as-of."""
    known = known_snapshots(labels, engine, targets)
    limit = sample_limit(sum(known.get(day, 0) for day in dates), max_rows)
    columns = ", ".join(f'cast(f."{name}" as float) as "{name}"' for name in names)
    outcomes = ", ".join(
        (*(f"cast({name} as double) as y{k}" for k, name in enumerate(targets)), *_treatment_columns(labels))
    )
    query = f"""
        with l as (
            select customer_id, {outcomes}, {HASH_SQL} as hashed
            from read_parquet(?) where as_of_date = ? and {_teaches(targets)} and {HASH_SQL} < {limit}
        )
        select l.* exclude (customer_id), {columns}
        from (select * from read_parquet(?) where as_of_date = ?) as f inner join l using (customer_id)
        order by customer_id"""
    parts = []
    with engine.connect() as connection:
        for day in sorted(dates):
            table = connection.execute(query, [str(labels), day, str(features), day]).to_arrow_table()
            parts.append((day_number(day), table))
    return _stack(tuple(names), tuple(targets), parts)


def _treatment_columns(labels: Path) -> tuple[str, ...]:
    """None in a file that was written before they were recorded."""
    import pyarrow.parquet as pq

    return TREATMENT_COLUMNS if set(TREATMENT_COLUMNS) <= set(pq.read_schema(labels).names) else ()


def _stack(names: tuple[str, ...], targets: tuple[str, ...], parts: list[tuple[int, pa.Table]]) -> Snapshots:
    rows = [table.num_rows for _, table in parts]
    X = np.empty((sum(rows), len(names)), np.float32)
    Y = np.empty((sum(rows), len(targets)))
    for end, (_, table) in zip(np.cumsum(rows), parts, strict=True):
        own = slice(end - table.num_rows, end)
        X[own] = matrix(table, names)
        for k in range(len(targets)):
            Y[own, k] = table[f"y{k}"].to_numpy()
    return Snapshots(
        names=names,
        targets=targets,
        X=X,
        Y=Y,
        hashed=np.concatenate([table["hashed"].to_numpy() for _, table in parts]) if parts else np.empty(0, np.int64),
        day=np.repeat(np.array([day for day, _ in parts], np.int32), rows),
        treatments=stacked([table for _, table in parts], Y),
    )


def matrix(table: pa.Table | pa.RecordBatch, names: Sequence[str]) -> NDArray[np.float32]:
    """The named columns as float32 (rows, features); null becomes NaN."""
    X = np.empty((table.num_rows, len(names)), np.float32)
    for k, name in enumerate(names):
        X[:, k] = table.column(name).to_numpy(zero_copy_only=False)
    return X


def population(
    features: Path, labels: Path, names: Sequence[str], as_of: date, engine: Engine, *, most: int = 100_000
) -> NDArray[np.float32]:
    """Features of those who are scored at an as-of, (rows, features); above ``most`` a sample of them by hash."""
    columns = ", ".join(f'cast(f."{name}" as float) as "{name}"' for name in names)
    query = f"""
        select {columns}
        from (select * from read_parquet(?) where as_of_date = ?) as f
        semi join (
            select customer_id from read_parquet(?) where as_of_date = ? and is_eligible and is_profiled
            order by {HASH_SQL}, customer_id limit {most}
        ) as l using (customer_id)
        order by f.customer_id"""
    with engine.connect() as connection:
        given: list[object] = [str(features), as_of, str(labels), as_of]
        return matrix(connection.execute(query, given).to_arrow_table(), names)
