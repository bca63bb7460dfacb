"""What is expected where too little is known to train a model: by models of purchase and spend, or by one's own pace.

Belongs here: the choice between them, customer by customer. Does not belong here: the models (``ml.btyd``), the pace
(``ml.value.baselines``), whether a model can be trained (``ml.value.recipe``).

Neither needs an outcome. Among tiny shops (``python -m tests.bench fallback``) the models were better by far: one's own
pace, kept up, forgets that customers leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.btyd.expectations import ORDER_VALUES, ORDERS
from ml.btyd.gamma_gamma import GammaGamma
from ml.btyd.model import MAX_ROWS, BtydFitError
from ml.btyd.statistics import SPEND_COLUMNS, spend_from_snapshot
from ml.evaluation import Floats
from ml.value import baselines
from ml.value.base import ORDERS_AND_DAYS, orders_a_day

COLUMNS = (*dict.fromkeys((*baselines.COLUMNS, ORDERS, ORDER_VALUES, *SPEND_COLUMNS, *ORDERS_AND_DAYS)),)
HISTORICAL_AVERAGE, MODELS = "fallback:historical_average", "fallback:mbg_nbd_gamma_gamma"


@dataclass(frozen=True)
class Expected:
    """Net spend and orders within the horizon, (rows,) each, and who said so."""

    spend: Floats
    orders: Floats
    orders_a_day: float
    """Of a day with an order."""
    version: str


def expect(X: NDArray[np.float32], names: Sequence[str], horizon_days: int, *, returned_share: float) -> Expected:
    """Of all customers of an as-of; who has never ordered goes by the pace of all.

    Parameters
    ----------
    names
        Those of ``COLUMNS`` that the shop has.
    returned_share
        Share of spend that comes back, as far as outcomes are known.
    """
    a_day = orders_a_day(X, names)
    average = baselines.fit_historical_average(X, names, returned_share=returned_share)
    spend, orders = average.predict(X, names, horizon_days)
    if not {ORDERS, ORDER_VALUES, *SPEND_COLUMNS} <= set(names):
        return Expected(spend, orders, a_day, HISTORICAL_AVERAGE)
    expected = X[:, names.index(ORDERS)].astype(np.float64)
    told, some = np.isfinite(expected), X[:: -(-len(X) // MAX_ROWS) or 1]
    try:
        worth = GammaGamma.fit(*spend_from_snapshot(some, names))
    except BtydFitError:
        told = np.zeros(len(X), bool)
    if not told.any():
        return Expected(spend, orders, a_day, HISTORICAL_AVERAGE)
    per_order = worth.expected_value(*spend_from_snapshot(X[told], names)) * (1 - returned_share)
    orders[told] = expected[told] * a_day
    spend[told] = X[told, names.index(ORDER_VALUES)] * per_order
    return Expected(spend, orders, a_day, MODELS)
