"""How good the value of an as-of was, once it is known what happened; no stage of the pipeline reads this.

Belongs here: what the predicted value and simple averages were worth. Does not belong here: outcomes
(``orchestration.outcomes``), metrics (``ml.amounts``) and churn (``orchestration.evaluation``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from ml.amounts import Metrics, coverage, evaluate
from ml.timing import Timing, timing
from orchestration.inputs import pinned
from orchestration.left_alone import left_alone
from orchestration.models import outcome
from orchestration.outcomes import VALUE, outcomes
from orchestration.snapshots import snapshot_folder
from orchestration.state import StateError
from orchestration.workspace import Workspace


@dataclass(frozen=True)
class ValueEvaluation:
    """Predicted net spend held against net spend (nothing below 0), beside what needs no model."""

    model: Metrics
    frequency_x_value: Metrics
    historical_average: Metrics
    orders: Metrics
    interval_coverage: float | None
    """Share of customers within the interval, meant to be .8; None where the fallback spoke."""
    timing: Timing | None = None
    """Of who has an expected date of the next order; None where nobody has."""
    holdout: Metrics | None = None
    """Of the model among the holdout, where plays were sent within the horizon: value means spend without plays."""


def evaluate_value(workspace: Workspace, as_of_date: date) -> ValueEvaluation | None:
    """Evaluate the value written for an as-of; None where nobody spent or was valued.

    Raises
    ------
    StateError
        There is no value for it, or its horizon is not over in the orders that have landed.
    """
    from ml.value.baselines import COLUMNS, fit_historical_average, frequency_times_value

    inputs = pinned(workspace.state, as_of_date.isoformat())
    scores = workspace.state.scores / inputs.inputs_id / "value_scores.parquet"
    if not scores.exists():
        raise StateError(f"there is no value for {as_of_date}: regulars run --as-of {as_of_date}")
    features = snapshot_folder(workspace, inputs) / "customer_features.parquet"
    frame = outcomes(workspace, VALUE, as_of_date, scores, features=features)
    y = np.maximum(frame["net_spend"].to_numpy(float), 0)
    if y.sum() <= 0:
        return None
    X, horizon = frame[list(COLUMNS)].to_numpy("float32"), outcome(workspace).horizon_days
    end = as_of_date + timedelta(days=horizon)
    alone = left_alone(workspace, frame, as_of_date, as_of=end)
    low, high = (frame[f"predicted_clv_{end}"].to_numpy(float) for end in ("low", "high"))
    return ValueEvaluation(
        model=_metrics(frame),
        frequency_x_value=evaluate(y, frequency_times_value(X, COLUMNS, horizon)),
        historical_average=evaluate(y, fit_historical_average(X, COLUMNS).predict(X, COLUMNS, horizon)[0]),
        orders=evaluate(frame["orders"].to_numpy(float), frame["expected_orders"].to_numpy(float)),
        interval_coverage=coverage(y, low, high) if np.isfinite(low).all() else None,
        timing=_timing(frame, as_of_date, horizon),
        holdout=None if alone is frame else _metrics(alone),
    )


def _timing(frame: pd.DataFrame, as_of_date: date, horizon_days: int) -> Timing | None:
    """Expected dates of the next order held against the days of those that came."""
    dated = frame[frame["expected_date_of_next_order"].notna()]
    if dated.empty:
        return None
    expected = (pd.to_datetime(dated["expected_date_of_next_order"]) - pd.Timestamp(as_of_date)).dt.days
    return timing(
        dated["days_to_order"].to_numpy(float, na_value=np.inf),
        expected.to_numpy().astype(float),
        dated["days_since_last_order"].to_numpy(float),
        horizon_days,
    )


def _metrics(frame: pd.DataFrame) -> Metrics:
    return evaluate(np.maximum(frame["net_spend"].to_numpy(float), 0), frame["predicted_clv"].to_numpy(float))


def lines(evaluation: ValueEvaluation, currency: str) -> list[str]:
    """The evaluation as a person reads it."""
    model, within = evaluation.model, evaluation.interval_coverage
    found = [
        f"{model.mean_outcome:,.2f} {currency} net spend per customer, {model.mean_prediction:,.2f} predicted "
        f"(total {model.total_bias:+.1%}; orders {evaluation.orders.total_bias:+.1%})"
    ]
    for name, one in (
        ("predicted value", model),
        ("frequency x value", evaluation.frequency_x_value),
        ("historical average", evaluation.historical_average),
    ):
        found.append(
            f"{name:<20}Gini {one.gini:.4f}, Spearman {one.spearman:.4f}, total {one.total_bias:+.1%}, "
            f"MAE {one.mae:,.2f}, decile MAPE {one.decile_mape:.3f}"
        )
    if alone := evaluation.holdout:
        found.append(
            f"plays were sent; the {alone.customers:,} held out spent {alone.mean_outcome:,.2f} {currency} each, "
            f"{alone.mean_prediction:,.2f} predicted (total {alone.total_bias:+.1%}), Gini {alone.gini:.4f}"
        )
    if within is not None:
        found.append(f"within the interval for 80 %: {within:.1%}")
    if (told := evaluation.timing) and told.due:
        found.append(
            f"next order: of {told.due:,} due within the horizon {told.had_ordered:.1%} had ordered by their day "
            f"(meant to be half); {told.concordance:.1%} of pairs ordered as expected (recency alone "
            f"{told.recency_concordance:.1%})"
        )
    return found
