"""Whether features of a date hang on what came after it.

Belongs here: comparing what is seen of a date today with what was seen of it on that day. Does not belong here: making
either (``orchestration.snapshots``).

A feature made from the outcome of its own date, or of a later one, or with who people have been found to be since,
judges itself in any backtest, however its dates are kept apart. It is told by this alone: it was another on that day.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from pathlib import Path

from ml.engine import Engine
from ml.snapshots import feature_names

TOLERATED = 0.001
"""Share of customers: what an erasure takes away later may change a feature of a few."""


def hindsight(
    then: Path, now: Path, day: date, engine: Engine, *, besides: Collection[str] = ()
) -> dict[str, tuple[int, int]]:
    """Features of a day that were not what they are now: customers of whom they differ, and customers compared.

    Parameters
    ----------
    then, now
        Feature files, made when the day was scored, and later, with its outcome known.
    besides
        Features that hang on who else is there, so that they may differ.
    """
    names = [name for name in feature_names(now) if name not in besides]
    early = set(feature_names(then))
    differs = ", ".join(
        f'count(*) filter (f."{name}" is distinct from l."{name}")' if name in early else "count(*)" for name in names
    )
    query = f"""
        select count(*), {differs}
        from (select * from read_parquet(?) where as_of_date = ?) as f
        inner join (select * from read_parquet(?) where as_of_date = ?) as l using (customer_id)"""
    with engine.connect() as connection:
        customers, *found = connection.execute(query, [str(then), day, str(now), day]).fetchone() or (0,)
    return {name: (count, customers) for name, count in zip(names, found, strict=True) if count > TOLERATED * customers}
