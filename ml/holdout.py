"""Rows to learn from and rows to judge on, by time where there is enough history, else by customers.

Belongs here: how snapshots are parted for every model. Does not belong here: the rule of time itself (``ml.splits``)
and what is learned.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
from numpy.typing import NDArray

from ml.snapshots import Snapshots
from ml.splits import Outcome, customer_fold, split_by_time

FOLDS = 4
TooLittle = Callable[[Snapshots], str | None]
"""Why snapshots cannot teach a model, or None."""


def backtest_rows(data: Snapshots, outcome: Outcome, too_little: TooLittle) -> tuple[Snapshots, Snapshots, str]:
    """Rows to learn from, rows to judge on, and how they are parted: by ``time``, or by ``customers``."""
    split = split_by_time(data.dates, outcome)
    known = data.at(outcome.known_at(data.dates, split.test or date.min))
    test = data.at(data.dates[-1:])
    if not too_little(known):
        return known, test, "time"
    return data.rows(folds(data) != 1), test.rows(folds(test) == 1), "customers"


def hold_out(known: Snapshots, outcome: Outcome, too_little: TooLittle) -> tuple[Snapshots, Snapshots]:
    """The newest snapshot, and those whose outcome was known at it; a quarter of customers where none was."""
    newest = known.dates[-1]
    earlier, held = known.at(outcome.known_at(known.dates, newest)), known.at([newest])
    if not too_little(earlier):
        return earlier, held
    return known.rows(folds(known) != 0), held.rows(folds(held) == 0)


def folds(rows: Snapshots) -> NDArray[np.int64]:
    """Fold of each row: of its customer, so that nobody is in two."""
    return np.asarray(customer_fold(rows.hashed, FOLDS))
