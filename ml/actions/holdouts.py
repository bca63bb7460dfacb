"""Who is held out: drawn once by a salted hash, and then kept.

Belongs here: the draw, and what a merged person's assignment is. Does not belong here: what is done to those held
out (``rules``), keys.

Method: HMAC-SHA256 of experiment and unit under the shop's holdout key, its first 53 bits as a number in [0, 1); below
the share means held out. The unit is the household where it is known, else the person. The draw is frozen with the
share of its day: neither a later share nor an identity merge moves anybody (Kohavi, Tang, Xu: Trustworthy Online
Controlled Experiments, 2020, ch. 14, on the randomisation unit).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

GLOBAL = "global"
WITHHELD = ("holdout", "control")

STANDING = """
    with named as (
        select coalesce(r.redirects_to_customer_id, a.customer_id) as customer_id, a.experiment, a.arm, a.share,
            a.assigned_as_of, a.customer_id as drawn_as
        from assignments as a left join redirects as r on a.customer_id = r.customer_id
    )
    select customer_id, experiment, arm, share, assigned_as_of from named
    qualify row_number() over (
        partition by customer_id, experiment
        order by arm = 'holdout' desc, assigned_as_of, arm, drawn_as
    ) = 1
    order by customer_id, experiment
"""
"""Of several assignments of one person a holdout wins, then the earliest, then control over treatment."""


def standing(connection: duckdb.DuckDBPyConnection, assignments: pa.Table, redirects: pa.Table) -> pa.Table:
    """The assignments made so far, one for each person of today and experiment."""
    connection.register("assignments", assignments)
    connection.register("redirects", redirects)
    return connection.execute(STANDING).to_arrow_table()


def draw(key: bytes, experiment: str, units: Sequence[str]) -> NDArray[np.float64]:
    """(N,) numbers in [0, 1), the same for the same key, experiment and unit wherever they are drawn.

    >>> draw(bytes(32), "global", ["c_1", "c_1"]).round(6).tolist()
    [0.768206, 0.768206]
    """
    digests = b"".join(hmac.digest(key, f"{experiment}|{unit}".encode(), "sha256")[:8] for unit in units)
    return (np.frombuffer(digests, dtype=">u8") >> np.uint64(11)).astype(np.float64) / 2.0**53


@dataclass
class Assigner:
    """Hands out arms: those that stand, and new ones, which it remembers."""

    key: bytes
    frozen: Mapping[tuple[str, str], tuple[str, float]]
    """(customer, experiment): arm and the share with which it was drawn."""
    new: list[tuple[str, str, str, float]] = field(default_factory=list)
    """Customer, experiment, arm, share of what was drawn here."""

    def arms(
        self, experiment: str, share: float, customers: Sequence[str], units: Sequence[str]
    ) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """(N,) whether each is withheld, and the share with which that was drawn.

        Nobody is drawn where the share is zero; who was held out before stays so.
        """
        known = [self.frozen.get((customer, experiment)) for customer in customers]
        withheld = np.array([arm is not None and arm[0] in WITHHELD for arm in known], dtype=bool)
        shares = np.array([arm[1] if arm else share for arm in known], dtype=np.float64)
        fresh = [place for place, arm in enumerate(known) if arm is None]
        if share <= 0 or not fresh:
            return withheld, shares
        drawn = draw(self.key, experiment, [units[place] for place in fresh]) < share
        withheld[fresh] = drawn
        name = "holdout" if experiment == GLOBAL else "control"
        self.new += [
            (customers[place], experiment, name if held else "treatment", share)
            for place, held in zip(fresh, drawn.tolist(), strict=True)
        ]
        return withheld, shares


def frozen_arms(assignments: pa.Table) -> dict[tuple[str, str], tuple[str, float]]:
    """``standing`` as what an ``Assigner`` looks up."""
    columns = [assignments[name].to_pylist() for name in ("customer_id", "experiment", "arm", "share")]
    return {(customer, experiment): (arm, share) for customer, experiment, arm, share in zip(*columns, strict=True)}
