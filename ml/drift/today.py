"""Today's scored customers with their features, and what model speaks in a file of scores.

Belongs here: reading. Does not belong here: the comparison with then (``reference``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.engine import Engine
from ml.evaluation import Floats
from ml.snapshots import HASH_SQL, matrix
from ml.splits import sample_limit

MOST_CUSTOMERS = 100_000
"""A hashed sample of so many stands for all: their noise is below .001."""


@dataclass(frozen=True)
class Scored:
    """A sample of the scored customers of one as-of."""

    X: NDArray[np.float32]
    score: Floats


def speaking(scores: Path, engine: Engine) -> str | None:
    """The registered model behind a file of scores; None where a fallback speaks, or nobody is scored."""
    with engine.connect() as connection:
        found = connection.execute(
            "select min(model_version) from read_parquet(?) where status = 'scored'", [str(scores)]
        ).fetchone()
    return found[0] if found else None


def read_scored(
    features: Path, scores: Path, column: str, names: Sequence[str], as_of: date, engine: Engine,
    *, most: int = MOST_CUSTOMERS,
) -> Scored:  # fmt: skip
    """Whom the model scored: their features in the order of ``names`` and their score, in the order of customers."""
    columns = ", ".join(f'cast("{name}" as float) as "{name}"' for name in names)
    with engine.connect() as connection:
        rows = connection.execute(
            "select count(*) from read_parquet(?) where status = 'scored'", [str(scores)]
        ).fetchone()
        table = connection.execute(
            f"""
            select scores.{column} as score, {columns}
            from (select * from read_parquet(?) where as_of_date = ?) as features
            inner join (
                select customer_id, {column} from read_parquet(?)
                where status = 'scored' and {HASH_SQL} < {sample_limit(rows[0] if rows else 0, most)}
            ) as scores using (customer_id)
            order by customer_id""",
            [str(features), as_of, str(scores)],
        ).to_arrow_table()
    return Scored(matrix(table, names), np.asarray(table["score"].to_numpy(), dtype=np.float64))
