"""How good the persons are, against a truth: for tests and the bench.

Belongs here: measures that need to know who is really who. Does not belong here: anything a pipeline stage may use.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa


@dataclass(frozen=True)
class PairwiseQuality:
    """Over all pairs of identifiers of the truth: held together, and rightly so."""

    together: int
    """Pairs held to be one person."""
    truly_together: int
    """Pairs that are one person."""
    both: int

    @property
    def precision(self) -> float:
        """Share of the pairs held together that are one person; 1 where none is held together."""
        return self.both / self.together if self.together else 1.0

    @property
    def recall(self) -> float:
        """Share of the pairs that are one person that are held together; 1 where there are none."""
        return self.both / self.truly_together if self.truly_together else 1.0


def pairwise(person_spans: pa.Table, truth: pa.Table, as_of: datetime | None = None) -> PairwiseQuality:
    """Compare spans with a truth table (identifier_id, person_id, one row per identifier).

    Identifiers that belong to nobody count as alone. Without ``as_of`` (naive UTC) the last known state is judged.
    Pairs are counted by group sizes, not listed: n (n - 1) / 2.
    """
    con = duckdb.connect()
    con.register("spans", person_spans)
    con.register("truth", truth)
    con.execute(
        """
        create temp table paired as
        select truth.person_id, spans.customer_id
        from truth
        left join spans on spans.identifier_id = truth.identifier_id
            and case when $as_of is null then spans.known_to = timestamp '9999-12-31'
                else spans.known_from <= $as_of and $as_of < spans.known_to end
        """,
        {"as_of": as_of},
    )

    held = "select * from paired where customer_id is not null"
    return PairwiseQuality(
        together=_pairs(con, held, "customer_id"),
        truly_together=_pairs(con, "from paired", "person_id"),
        both=_pairs(con, held, "customer_id, person_id"),
    )


def _pairs(con: duckdb.DuckDBPyConnection, rows: str, keys: str) -> int:
    sizes = f"select count(*) as n from ({rows}) group by {keys}"
    row = con.execute(f"select coalesce(sum(n * (n - 1) // 2), 0) from ({sizes})").fetchone()
    return int(row[0]) if row else 0
