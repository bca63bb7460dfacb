"""How good the value of an as-of was, once it is known what happened; no stage of the pipeline reads this.

Belongs here: joining predicted value with what was then spent. Does not belong here: metrics (``ml.amounts``) and
churn (``orchestration.evaluation``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from ml.amounts import Metrics, coverage, evaluate
from orchestration.inputs import Inputs, pinned
from orchestration.models import outcome
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


def evaluate_value(workspace: Workspace, as_of_date: date) -> ValueEvaluation | None:
    """Evaluate the value written for an as-of; None where nobody spent or was valued.

    Raises
    ------
    StateError
        There is no value for it, or its horizon is not over in the orders that have landed.
    """
    from ml.value.baselines import COLUMNS, fit_historical_average, frequency_times_value

    inputs = pinned(workspace.state, as_of_date.isoformat())
    frame = _outcomes(workspace, inputs, as_of_date)
    y = np.maximum(frame["net_spend"].to_numpy(float), 0)
    if y.sum() <= 0:
        return None
    X, horizon = frame[list(COLUMNS)].to_numpy("float32"), outcome(workspace).horizon_days
    low, high = (frame[f"predicted_clv_{end}"].to_numpy(float) for end in ("low", "high"))
    return ValueEvaluation(
        model=evaluate(y, frame["predicted_clv"].to_numpy(float)),
        frequency_x_value=evaluate(y, frequency_times_value(X, COLUMNS, horizon)),
        historical_average=evaluate(y, fit_historical_average(X, COLUMNS).predict(X, COLUMNS, horizon)[0]),
        orders=evaluate(frame["orders"].to_numpy(float), frame["expected_orders"].to_numpy(float)),
        interval_coverage=coverage(y, low, high) if np.isfinite(low).all() else None,
    )


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
    if within is not None:
        found.append(f"within the interval for 80 %: {within:.1%}")
    return found


def _outcomes(workspace: Workspace, inputs: Inputs, as_of_date: date) -> pd.DataFrame:
    """Valued customers with what they spent in the horizon, whoever they have been found to be since."""
    scores = workspace.state.scores / inputs.inputs_id / "value_scores.parquet"
    if not scores.exists():
        raise StateError(f"there is no value for {as_of_date}: regulars run --as-of {as_of_date}")
    features = workspace.state.features / inputs.inputs_id / "customer_features.parquet"
    end = as_of_date + timedelta(days=outcome(workspace).horizon_days)
    with workspace.warehouse() as warehouse:
        last = warehouse.execute("select max(activity_date) from marts.daily_activity where orders <> 0").fetchone()
        if last and last[0] and last[0] < end - timedelta(days=1):
            raise StateError(f"the horizon of {as_of_date} ends on {end}; orders have landed up to {last[0]}")
        return warehouse.execute(
            f"""
            with latest as (
                select identifier_id, customer_id from identity.person_spans where known_to > timestamp '9000-01-01'
            ),
            spent as (
                select latest.customer_id, sum(orders) as orders, sum(spend_cents - returned_cents) / 100.0 as net_spend
                from marts.daily_activity inner join latest using (identifier_id)
                where activity_date >= date '{as_of_date}' and activity_date < date '{end}'
                group by 1
            )
            select scores.*, features.spend_365d, features.orders_365d, features.days_since_first_order,
                coalesce(spent.orders, 0) as orders, coalesce(spent.net_spend, 0) as net_spend
            from read_parquet('{scores}') as scores
            inner join read_parquet('{features}') as features
                on scores.customer_id = features.customer_id and features.as_of_date = date '{as_of_date}'
            inner join identity.customer_ledger as ledger on scores.customer_id = ledger.customer_id
            left join latest on ledger.identifier_id = latest.identifier_id
            left join spent on coalesce(latest.customer_id, scores.customer_id) = spent.customer_id
            where scores.predicted_clv is not null
            order by scores.customer_id
            """
        ).df()
