"""Which snapshots teach, and which customers are in them.

Belongs here: dates and the sampling of customers. Does not belong here: features, models, metrics.

The leak that matters. A snapshot's features look back and its label looks ahead over ``horizon_days``; the
label is known ``label_delay_days`` later. The same customers stand in every snapshot, so a model that learned
from a label window reaching beyond a date D has seen what these very customers did after D, and looks
brilliant at D. Whoever is judged at D may therefore learn only from snapshots with

    snapshot + horizon_days + label_delay_days <= D

which is what could have been known had we stood at D (``known_at``). What happened within a window counts whenever it
came: a feed that stood still and caught up must not have made anybody leave. Overlap of *feature* windows is
no leak: at D the past is known to all. The same rule holds between training and calibration, between
calibration and test, and between everything and the day that is scored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import md5
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

HASH_SPACE = 2**32
Hash = TypeVar("Hash", int, NDArray[np.int64])


MEANING = ("touchpoint", "active_days", "horizon_days")
"""What of an outcome says which one it is; the label's delay only says when it is known."""


@dataclass(frozen=True)
class Outcome:
    """What a label looks ahead to: a horizon, the days until its outcome counts as known, what tells it and of whom."""

    horizon_days: int
    label_delay_days: int
    touchpoint: str = "orders"
    """What tells who is gone: ``orders``, ``events`` or ``subscriptions``."""
    active_days: int | None = 365
    """It is foretold of who was active within so many days; None where a contract says of whom."""

    @property
    def known_after_days(self) -> int:
        return self.horizon_days + self.label_delay_days

    def known_at(self, snapshots: Sequence[date], day: date) -> tuple[date, ...]:
        """The snapshots, ascending, whose outcome was known on that day."""
        return tuple(sorted(s for s in set(snapshots) if s + timedelta(self.known_after_days) <= day))

    def unlike(self, kept: Mapping[str, Any]) -> str:
        """What makes another outcome of one that was kept, in words; empty where it is the same.

        Parameters
        ----------
        kept
            Fields of that outcome by name, as many as are known.
        """
        now = {name: getattr(self, name) for name in MEANING}
        differing = (name for name in MEANING if name in kept and kept[name] != now[name])
        return ", ".join(f"{name} {kept[name]}, now {now[name]}" for name in differing)


def snapshot_dates(
    as_of: date,
    outcome: Outcome,
    *,
    step_days: int,
    count: int,
    first_date: date | None = None,
    last_date: date | None = None,
) -> tuple[date, ...]:
    """Snapshots to train on for a scoring as-of, ascending: stepping back from the newest whose outcome is known.

    Parameters
    ----------
    first_date
        The first day on which there is any activity. Snapshots begin one horizon after it: before that the
        look-back window is shorter than what the label looks ahead to.
    last_date
        The last day of which any activity has landed. No horizon reaches beyond it: after a feed has stopped everybody
        is silent, and nobody has left.
    """
    newest = as_of - timedelta(outcome.known_after_days)
    if last_date:
        newest = min(newest, last_date - timedelta(outcome.horizon_days - 1))
    earliest = first_date + timedelta(outcome.horizon_days) if first_date else date.min
    steps = (step_days * k for k in range(count))
    back = (newest - timedelta(days) for days in steps if (newest - date.min).days >= days)
    return tuple(sorted(day for day in back if day >= earliest))


def sample_limit(rows: int, max_rows: int) -> int:
    """Customers whose hash is below this stay in, so that about ``max_rows`` of ``rows`` remain."""
    return HASH_SPACE if rows <= max_rows else HASH_SPACE * max_rows // rows


def customer_hash(customer_id: str) -> int:
    """First 32 bits of md5: the same in Python, DuckDB and Spark, and for one customer in every snapshot."""
    return int(md5(customer_id.encode(), usedforsecurity=False).hexdigest()[:8], 16)


def customer_fold(hashed: Hash, folds: int) -> Hash:
    """A fold that is independent of the sample (which takes the low end of the hash space)."""
    return hashed % folds
