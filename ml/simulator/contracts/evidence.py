"""What the oracle of the world of contracts may see at an as-of: what was on record and known by then.

Belongs here: the cut by time. Does not belong here: the inference (``oracle``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from ml.simulator.people import NEVER

Ints = np.ndarray


@dataclass(frozen=True)
class Seen:
    """Running contracts without notice at an as-of, and what was on record of them; ``person`` is a row here."""

    start: Ints
    period: Ints
    visits: Ints
    """(days, people): visits known at the as-of."""
    open: np.ndarray
    """(days, people): a ticket is open at night."""
    solved: Ints
    """(days, people): 0 nothing solved, 1 solved and not rated, 2 rated low, 3 rated high."""
    failed: Ints
    """Payments that failed, (people,); ``charged`` all of them."""
    charged: Ints
    waited: Ints
    """Days past due on which nothing was paid; ``paid`` days on which it was made good."""
    paid: Ints
    due_since: Ints
    """NEVER where nothing is due."""


def see(truth: Path, own: pd.DataFrame, as_of: int) -> Seen:
    """What was on record of these people at the beginning of the as-of day."""
    place = pd.Series(np.arange(len(own)), index=own["person"])
    tables = {name: _table(truth, name, place) for name in ("visits", "tickets", "payments", "dues")}
    visits, tickets, payments, dues = tables.values()
    shape = (as_of, len(own))
    count = np.zeros(shape, np.int64)
    known = visits[visits["day"] + visits["late"] < as_of]
    np.add.at(count, (known["day"].to_numpy(), known["row"].to_numpy()), 1)
    payments, dues = payments[payments["day"] < as_of], dues[dues["since"] < as_of]
    still = dues[dues["until"] >= as_of]
    due_since = np.full(len(own), NEVER)
    due_since[still["row"]] = still["since"]
    until = dues["until"].clip(upper=as_of)
    return Seen(
        start=own["start_day"].to_numpy(), period=own["period"].to_numpy(), visits=count,
        open=_open_nights(tickets[tickets["day"] < as_of], shape), solved=_solutions(tickets, shape),
        failed=_count(payments[payments["failed"] == 1], len(own)), charged=_count(payments, len(own)),
        waited=_count(dues, len(own), until - dues["since"] - 1), paid=_count(dues[dues["until"] < as_of], len(own)),
        due_since=due_since,
    )  # fmt: skip


def _table(truth: Path, name: str, place: pd.Series) -> pd.DataFrame:
    rows = pq.read_table(truth / f"observed_{name}.parquet").to_pandas()
    rows = rows[rows["person"].isin(place.index)]
    return rows.assign(row=place.reindex(rows["person"]).to_numpy())


def _count(rows: pd.DataFrame, people: int, weight: pd.Series | None = None) -> Ints:
    counted = np.bincount(rows["row"], None if weight is None else weight.clip(lower=0), people)
    return np.asarray(counted.astype(np.int64))


def _open_nights(tickets: pd.DataFrame, shape: tuple[int, int]) -> np.ndarray:
    nights = np.zeros(shape, bool)
    for row, opened, resolved in zip(tickets["row"], tickets["day"], tickets["resolved"], strict=True):
        nights[opened : min(resolved, shape[0]), row] = True
    return nights


def _solutions(tickets: pd.DataFrame, shape: tuple[int, int]) -> Ints:
    solved = np.zeros(shape, np.int64)
    known = tickets[tickets["resolved"] < shape[0]]
    solved[known["resolved"], known["row"]] = np.select([known["rating"] == 0, known["rating"] < 3], [1, 2], 3)
    return solved
