"""Features and labels of many as-ofs as one matrix, read from Parquet snapshot by snapshot.

Belongs here: reading, joining, sampling, sorting. Does not belong here: anything that learns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml.splits import sample_limit

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

KEYS = ("as_of_date", "customer_id")
HASH_SQL = "cast('0x' || substr(md5(customer_id), 1, 8) as bigint)"


@dataclass(frozen=True)
class Engine:
    """What DuckDB may use while it reads."""

    threads: int = 2
    memory_limit: str = "1GB"
    temp_directory: Path | None = None

    def connect(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        config: dict[str, str | int] = {"threads": self.threads, "memory_limit": self.memory_limit}
        if self.temp_directory:
            config["temp_directory"] = str(self.temp_directory)
        return duckdb.connect(config=config)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Snapshots:
    """Labelled customers of several as-ofs, sorted by as-of and customer.

    ``X`` float32 (rows, features), NaN where unknown; ``y`` 1.0 where the customer churned; ``day`` the as-of of
    each row as days since 1970; ``hashed`` the customer's hash (``ml.splits``), never the customer itself.
    """

    names: tuple[str, ...]
    X: NDArray[np.float32]
    y: NDArray[np.float64]
    day: NDArray[np.int32]
    hashed: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.y)

    def rows(self, kept: NDArray[np.bool_]) -> Snapshots:
        return replace(self, X=self.X[kept], y=self.y[kept], day=self.day[kept], hashed=self.hashed[kept])

    def at(self, dates: Sequence[date]) -> Snapshots:
        return self.rows(np.isin(self.day, [day_number(day) for day in dates]))

    @property
    def dates(self) -> tuple[date, ...]:
        return tuple(date.fromordinal(int(day) + EPOCH) for day in np.unique(self.day))

    @property
    def customers(self) -> int:
        return len(np.unique(self.hashed))

    @property
    def has_both_classes(self) -> bool:
        return len(self) > 0 and self.y.min() < self.y.max()

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


def known_snapshots(labels: Path, engine: Engine) -> dict[date, int]:
    """As-ofs whose outcome stands in the label file, with the number of customers that can teach."""
    query = f"select as_of_date, count(*) from read_parquet(?) where {TEACHES} group by 1 order by 1"
    with engine.connect() as connection:
        return dict(connection.execute(query, [str(labels)]).fetchall())


TEACHES = "is_eligible and is_profiled and has_churned is not null"
"""Who objected to profiling neither is scored nor teaches (design 5)."""


def read_snapshots(
    features: Path, labels: Path, names: Sequence[str], dates: Sequence[date], engine: Engine, *, max_rows: int
) -> Snapshots:
    """Labelled rows of those as-ofs; above ``max_rows`` a hashed sample of customers, the same in each as-of."""
    known = known_snapshots(labels, engine)
    limit = sample_limit(sum(known.get(day, 0) for day in dates), max_rows)
    columns = ", ".join(f'cast(f."{name}" as float) as "{name}"' for name in names)
    query = f"""
        with l as (
            select customer_id, cast(has_churned as double) as y, {HASH_SQL} as hashed
            from read_parquet(?) where as_of_date = ? and {TEACHES} and {HASH_SQL} < {limit}
        )
        select l.y, l.hashed, {columns}
        from (select * from read_parquet(?) where as_of_date = ?) as f inner join l using (customer_id)
        order by customer_id"""
    parts = []
    with engine.connect() as connection:
        for day in sorted(dates):
            table = connection.execute(query, [str(labels), day, str(features), day]).to_arrow_table()
            parts.append((day_number(day), table))
    return _stack(tuple(names), parts)


def _stack(names: tuple[str, ...], parts: list[tuple[int, pa.Table]]) -> Snapshots:
    rows = [table.num_rows for _, table in parts]
    X = np.empty((sum(rows), len(names)), np.float32)
    for end, (_, table) in zip(np.cumsum(rows), parts, strict=True):
        X[end - table.num_rows : end] = matrix(table, names)
    return Snapshots(
        names=names,
        X=X,
        y=np.concatenate([table["y"].to_numpy() for _, table in parts]) if parts else np.empty(0),
        hashed=np.concatenate([table["hashed"].to_numpy() for _, table in parts]) if parts else np.empty(0, np.int64),
        day=np.repeat(np.array([day for day, _ in parts], np.int32), rows),
    )


def matrix(table: pa.Table | pa.RecordBatch, names: Sequence[str]) -> NDArray[np.float32]:
    """The named columns as float32 (rows, features); null becomes NaN."""
    X = np.empty((table.num_rows, len(names)), np.float32)
    for k, name in enumerate(names):
        X[:, k] = table.column(name).to_numpy(zero_copy_only=False)
    return X


def scoring_batches(
    features: Path, labels: Path, names: Sequence[str], as_of: date, engine: Engine, *, batch_rows: int
) -> Iterator[pa.RecordBatch]:
    """Every customer of one as-of with features, ``is_eligible``, ``status_if_not_eligible`` and ``is_profiled``,
    sorted by customer.

    A customer without a label row counts as not permitted to be profiled: fail closed.
    """
    columns = ", ".join(f'cast(f."{name}" as float) as "{name}"' for name in names)
    query = f"""
        select f.customer_id, coalesce(l.is_eligible, false) as is_eligible,
            coalesce(l.status_if_not_eligible, 'not_eligible') as status_if_not_eligible,
            coalesce(l.is_profiled, false) as is_profiled, {columns}
        from (select * from read_parquet(?) where as_of_date = ?) as f
        left join (select * from read_parquet(?) where as_of_date = ?) as l using (customer_id)
        order by customer_id"""
    with engine.connect() as connection:
        yield from connection.execute(query, [str(features), as_of, str(labels), as_of]).to_arrow_reader(batch_rows)
