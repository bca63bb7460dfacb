"""Every customer of one as-of, batch by batch: what scoring reads, in memory that does not grow with the customers.

Belongs here: reading in order. Does not belong here: labelled snapshots of many as-ofs (``ml.snapshots``), scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ml.engine import Engine

if TYPE_CHECKING:
    import pyarrow as pa

SORTED_AT_ONCE = 100_000
"""Customers whose features are sorted together where the file lies in order."""


def count_customers(features: Path, as_of: date, engine: Engine) -> int:
    """How many rows the as-of has."""
    with engine.connect() as connection:
        query = "select count(*) from read_parquet(?) where as_of_date = ?"
        return int((connection.execute(query, [str(features), as_of]).fetchone() or (0,))[0])


def scoring_batches(
    features: Path,
    labels: Path,
    names: Sequence[str],
    as_of: date,
    engine: Engine,
    *,
    batch_rows: int,
    beside: Path | None = None,
) -> Iterator[pa.RecordBatch]:
    """Every customer of one as-of with features, ``is_eligible``, ``status_if_not_eligible`` and ``is_profiled``,
    sorted by customer.

    ``beside`` is a further file by as-of and customer whose columns are joined on, null where it has no row. A customer
    without a label row counts as not permitted to be profiled: fail closed. Files in the order of as-of and customer,
    as they are exported, are read a range of customers at a time; any other is sorted as a whole.
    """
    columns = ", ".join(f'cast(f."{name}" as float) as "{name}"' for name in names)
    query = f"""
        select f.customer_id, coalesce(l.is_eligible, false) as is_eligible,
            coalesce(l.status_if_not_eligible, 'not_eligible') as status_if_not_eligible,
            coalesce(l.is_profiled, false) as is_profiled, {columns}{", b.*" if beside else ""}
        from ({_RANGE}) as f
        left join ({_RANGE}) as l using (customer_id)
        {_JOIN_BESIDE if beside else ""}
        order by f.customer_id"""
    files = [features, labels, *([beside] if beside else [])]
    starts = _starts(features, as_of)
    with engine.connect() as connection:
        for low, high in zip(starts, [*starts[1:], None], strict=True):
            given = [part for file in files for part in (str(file), as_of, low, high, high)]
            yield from connection.execute(query, given).to_arrow_reader(batch_rows)


_RANGE = "select * from read_parquet(?) where as_of_date = ? and customer_id >= ? and (customer_id < ? or ? is null)"
_JOIN_BESIDE = f"""left join (
            select customer_id as beside_id, * exclude (as_of_date, customer_id) from ({_RANGE})
        ) as b on f.customer_id = b.beside_id"""


def _starts(features: Path, as_of: date) -> list[str]:
    """Where ranges of customers begin, the first at "": at row groups, as long as those of the as-of lie in order."""
    import pyarrow.parquet as pq

    about, starts, rows, last = pq.read_metadata(features), [""], 0, ""
    where = {about.schema.column(k).name: k for k in range(about.num_columns)}
    for number in range(about.num_row_groups):
        group = about.row_group(number)
        day, customer = (group.column(where[name]).statistics for name in ("as_of_date", "customer_id"))
        if not (day and day.has_min_max and customer and customer.has_min_max):
            return [""]
        if not day.min == day.max == as_of:
            continue
        if customer.min < last:
            return [""]
        if rows >= SORTED_AT_ONCE:
            starts.append(customer.min)
            rows = 0
        rows, last = rows + group.num_rows, customer.max
    return starts
