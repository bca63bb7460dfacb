"""From expected net spend to a row of ``ml.value_scores``: gross spend, margin, the date of the next order.

Belongs here: what follows from an expectation for one customer. Does not belong here: the expectation (``model``),
streaming (``scoring``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.evaluation import Floats
from ml.snapshots import day_number
from ml.value import rhythm
from ml.value.model import Prediction
from ml.value.score_file import schema

if TYPE_CHECKING:
    import pyarrow as pa

    from ml.value.scoring import ScoringPlan

PLACES = 6
OWN_SPEND, OWN_RETURNED = "spend_365d", "returned_share_365d"
PRIOR_SPEND = 1.0
"""How many times the mean spend of all stands beside a customer's own, for shares of returns and margin."""


@dataclass(frozen=True)
class Shares:
    """What is told of all customers together: the part of spend that comes back, the part of net spend that is margin,
    the coefficient of variation of gaps between orders, the orders of a day that has one."""

    returned: float
    margin: float | None
    mean_spend: float
    gap_variation: float = rhythm.NO_VARIATION
    orders_a_day: float = 1.0


def is_scored(batch: pa.RecordBatch) -> NDArray[np.bool_]:
    """Who is eligible and may be profiled."""
    flags = (batch.column(name).to_numpy(zero_copy_only=False).astype(bool) for name in ("is_profiled", "is_eligible"))
    return np.logical_and(*flags)


def rows(prediction: Prediction, own: slice) -> Prediction:
    """Some of the customers."""
    return Prediction(*(getattr(prediction, name)[own] for name in ("spend", "orders", "low", "high")))


def score_table(
    batch: pa.RecordBatch,
    scored: NDArray[np.bool_],
    own: Prediction,
    plan: ScoringPlan,
    shares: Shares,
    speaks: tuple[str, str],
) -> pa.Table:
    """A batch of customers as a batch of the score file."""
    import pyarrow as pa

    profiled = batch.column("is_profiled").to_numpy(zero_copy_only=False).astype(bool)
    why_not = batch.column("status_if_not_eligible").to_numpy(zero_copy_only=False).astype(object)
    status = np.select([~profiled, ~scored], ["not_profiled", why_not], speaks[0])
    recency, median_gap, mean_gap = (_column(batch, name)[scored] for name in rhythm.COLUMNS)
    pace = own.orders / shares.orders_a_day / plan.outcome.horizon_days
    days = rhythm.days_to_next_order(pace, recency, median_gap, mean_gap, shares.gap_variation)
    amounts = {
        "expected_orders": own.orders,
        "expected_spend": own.spend / (1 - _returned(batch, scored, shares)),
        "expected_margin": own.spend * _margin(batch, scored, shares),
        "predicted_clv": own.spend,
        "predicted_clv_low": own.low,
        "predicted_clv_high": own.high,
    }
    columns: dict[str, Any] = {
        "as_of_date": [plan.as_of] * len(status),
        "customer_id": batch.column("customer_id"),
        "status": status.tolist(),
        "model_version": [speaks[1]] * len(status),
        "expected_date_of_next_order": _spread(scored, day_number(plan.as_of) + days, pa.int32()).cast(pa.date32()),
        **{name: _spread(scored, values.round(PLACES), pa.float64()) for name, values in amounts.items()},
    }
    return pa.table({f.name: pa.array(columns[f.name], type=f.type) for f in schema()}, schema=schema())


def _returned(batch: pa.RecordBatch, scored: NDArray[np.bool_], shares: Shares) -> Floats:
    """Share of spend that comes back, the customer's own drawn to that of all."""
    spend, share = (np.nan_to_num(_column(batch, name)[scored]) for name in (OWN_SPEND, OWN_RETURNED))
    prior = max(PRIOR_SPEND * shares.mean_spend, 1e-9)
    return np.clip((np.maximum(spend, 0) * share + prior * shares.returned) / (np.maximum(spend, 0) + prior), 0, 0.9)


def _margin(batch: pa.RecordBatch, scored: NDArray[np.bool_], shares: Shares) -> Floats:
    """Share of net spend that is margin, the customer's own drawn to that of all; NaN where no unit cost is known."""
    if shares.margin is None:
        return np.full(int(scored.sum()), np.nan)
    cents = (_column(batch, name)[scored] for name in ("known_spend_cents_365d", "margin_cents_365d"))
    spend, margin = (np.nan_to_num(values) / 100 for values in cents)
    prior = max(PRIOR_SPEND * shares.mean_spend, 1e-9)
    return (margin + prior * shares.margin) / (spend + prior)


def _column(batch: pa.RecordBatch, name: str) -> Floats:
    """A column as float64, NaN where null or where the file lacks it."""
    if name not in batch.schema.names:
        return np.full(batch.num_rows, np.nan)
    return np.asarray(batch.column(name).to_numpy(zero_copy_only=False), dtype=np.float64)


def _spread(scored: NDArray[np.bool_], values: Floats, type_: pa.DataType) -> pa.Array:
    """Values of the scored in their places, null elsewhere and where they are no number."""
    import pyarrow as pa

    whole = np.full(len(scored), np.nan)
    whole[scored] = values
    missing = ~np.isfinite(whole)
    return pa.array(np.where(missing, 0, whole), mask=missing).cast(type_)
