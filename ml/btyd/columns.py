"""What a model says of the customers of one as-of, as columns for a learner.

Belongs here: fitting on an as-of's own customers, and the columns. Does not belong here: the models, and how an as-of's
numbers follow from our features (``ml.btyd.statistics``).

A model is fitted at each as-of anew, on what was known then: so its expectation leaks nothing when it teaches, and is
the same kind of number when a customer is scored. That needs the same kind of customers as well. Earlier as-ofs hold
only those who can be asked (``is_eligible``: who bought within ``active_days``), so at the scored one it must be
fitted on these too; it may then speak of everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ml.btyd.model import BtydModel
from ml.btyd.statistics import from_snapshot
from ml.snapshots import Snapshots

Model = TypeVar("Model", bound=BtydModel)

COLUMNS = (
    "btyd_expected_purchases",
    "btyd_p_active",
    "btyd_p_alive",
    "btyd_lifetime_days",
    "btyd_days_to_next_purchase",
)


def fit_on(
    kind: type[Model], X: NDArray[np.float32], names: Sequence[str], hashed: NDArray[np.int64] | None = None
) -> Model:
    """The model of one as-of's customers, those who have ordered.

    Raises
    ------
    BtydFitError
        Nobody has ordered, or no optimum was found.
    """
    stats, has_ordered = from_snapshot(X, names)
    return kind.fit(stats, hashed=None if hashed is None else hashed[has_ordered])


def columns(model: BtydModel, X: NDArray[np.float32], names: Sequence[str], horizon_days: float) -> NDArray[np.float32]:
    """``COLUMNS`` of customers of the as-of that the model was fitted at, (rows, 5); NaN for who has not ordered."""
    stats, has_ordered = from_snapshot(X, names)
    told = np.full((len(X), len(COLUMNS)), np.nan, np.float32)
    told[has_ordered] = np.column_stack([
        model.expected_purchases(stats, horizon_days),
        model.p_active(stats, horizon_days),
        model.p_alive(stats),
        model.expected_lifetime_days(stats),
        model.days_to_next_purchase(stats, horizon_days),
    ])  # fmt: skip
    return told


def columns_of_snapshots(kind: type[BtydModel], data: Snapshots, horizon_days: float) -> NDArray[np.float32]:
    """``COLUMNS`` of every row, each as-of by a model of its own, (rows, 5).

    Raises
    ------
    BtydFitError
        No model could be fitted at one of the as-ofs.
    """
    told = np.empty((len(data), len(COLUMNS)), np.float32)
    for day in np.unique(data.day):
        own = data.day == day
        model = fit_on(kind, data.X[own], data.names, data.hashed[own])
        told[own] = columns(model, data.X[own], data.names, horizon_days)
    return told
