"""Contracts as rows of customer and period: who ran on at its beginning, and whether nobody did at its end.

Belongs here: making these rows out of labelled snapshots, what of a period is known before it begins. Does not belong
here: the periods in the label file (``dbt_project/models/features/label_contract_courses``), learning
(``ml.survival.contracts``).

A row stands for a period of ``PERIOD_DAYS`` after an as-of. It knows the features of the as-of and what the calendar
says of the period: how old the contract will be, when it renews. Its day is that on which the period begins; so the
rule of time (``ml.splits``) holds of rows as it does of snapshots: what ends within a period is known when the period
and the label's delay have passed. Whoever still has a contract when the watching ends adds the periods that they
stayed, and no end: that is how censoring is met.

Source: Singer, Willett, "It's about time: using discrete-time survival analysis to study duration and the timing of
events", Journal of Educational Statistics 18, 1993.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ml.snapshots import Snapshots
from ml.splits import Outcome

PERIOD_DAYS = 30
WATCHED, ENDED = "contract_periods_watched", "has_contract_ended"
TARGETS = (WATCHED, ENDED)
AGE, RENEWAL, PERIOD = "contract_age_days", "days_to_renewal", "contract_period_days"
CALENDAR = ("periods_ahead", "contract_age_at_period", "days_to_renewal_at_period", "is_renewed_in_period")
"""Columns of a period beside the features of its as-of."""


def period_outcome(outcome: Outcome) -> Outcome:
    """When what happened in a period is known."""
    return Outcome(PERIOD_DAYS, outcome.label_delay_days)


def person_periods(rows: Snapshots) -> Snapshots:
    """A row for every period in which a customer of an as-of was watched; 1 where the last contract ended in it.

    Parameters
    ----------
    rows
        Snapshots with ``TARGETS``.
    """
    watched, ended = rows.target(WATCHED).astype(np.int64), rows.target(ENDED) > 0
    customer = np.repeat(np.arange(len(rows)), watched)
    ahead = np.arange(len(customer)) - np.repeat(np.cumsum(watched) - watched, watched)
    day = (rows.day[customer] + PERIOD_DAYS * ahead).astype(np.int32)
    order = np.lexsort((customer, ahead, day))
    customer, ahead = customer[order], ahead[order]
    ends = ended[customer] & (ahead + 1 == watched[customer])
    return replace(
        rows,
        names=(*rows.names, *CALENDAR),
        targets=("ends",),
        X=at_period(rows.X[customer], rows.names, ahead),
        Y=ends.astype(np.float64)[:, None],
        day=day[order],
        hashed=rows.hashed[customer],
        treatments=None,
    )


def at_period(X: NDArray[np.float32], names: Sequence[str], ahead: NDArray[np.int64]) -> NDArray[np.float32]:
    """Features of an as-of, and beside them ``CALENDAR`` of a period that begins ``ahead`` periods after it."""
    age, renewal, length = (X[:, names.index(name)].astype(np.float64) for name in (AGE, RENEWAL, PERIOD))
    passed = PERIOD_DAYS * ahead
    left = renewal - passed
    left = np.where(left < 0, np.mod(left, np.where(length > 0, length, np.nan)), left)
    is_renewed = np.where(np.isnan(left), np.nan, left < PERIOD_DAYS)
    return np.column_stack([X, ahead, age + passed, left, is_renewed]).astype(np.float32)
