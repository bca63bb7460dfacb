"""How good the value of contracts of an as-of was, once it is known what was paid; no stage of the pipeline reads this.

Belongs here: what the expected payments and simple guesses were worth. Does not belong here: what was paid
(``orchestration.contract_payments``), metrics (``ml.amounts``), orders (``orchestration.value_evaluation``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from ml.amounts import Metrics, evaluate
from orchestration.contract_payments import CONTRACT_VALUE
from orchestration.inputs import pinned
from orchestration.outcomes import outcomes
from orchestration.snapshots import snapshot_folder
from orchestration.state import StateError
from orchestration.workspace import Workspace


@dataclass(frozen=True)
class ContractEvaluation:
    """Payments expected within the horizon held against those made, beside what needs no model."""

    expected: Metrics
    undisturbed: Metrics
    """Price times the payments that fall due if nobody leaves who has not given notice."""
    last_payments: Metrics
    """What each paid in as many days before the as-of."""


def evaluate_contracts(workspace: Workspace, as_of_date: date) -> ContractEvaluation | None:
    """Evaluate the contracts of an as-of, of who may be profiled; None where value is not told from any.

    Raises
    ------
    StateError
        They were not valued for it, or its horizon is not over in the data that have landed.
    """
    if workspace.shop.churn.mode != "subscription":
        return None
    inputs = pinned(workspace.state, as_of_date.isoformat())
    values = snapshot_folder(workspace, inputs) / "contract_values.parquet"
    if not values.exists():
        raise StateError(f"the contracts of {as_of_date} have no value: regulars run --as-of {as_of_date}")
    scores = pd.read_parquet(workspace.state.scores / inputs.inputs_id / "churn_scores.parquet")
    valued = scores.loc[scores["status"] != "not_profiled", "customer_id"]
    frame = outcomes(workspace, CONTRACT_VALUE, as_of_date, values)
    frame = frame[frame["customer_id"].isin(valued)]
    paid = frame["paid"].to_numpy(float)
    if paid.sum() <= 0:
        return None
    return ContractEvaluation(
        expected=evaluate(paid, frame["expected_cents"].to_numpy(float) / 100),
        undisturbed=evaluate(paid, frame["undisturbed_cents"].to_numpy(float) / 100),
        last_payments=evaluate(paid, frame["paid_before"].to_numpy(float)),
    )


def lines(evaluation: ContractEvaluation, currency: str) -> list[str]:
    """The evaluation as a person reads it."""
    expected = evaluation.expected
    found = [
        f"{expected.customers:,} customers with running contracts paid "
        f"{expected.mean_outcome * expected.customers:,.2f} {currency} for them, "
        f"{expected.mean_prediction * expected.customers:,.2f} expected (total {expected.total_bias:+.1%})"
    ]
    for name, one in (
        ("expected payments", expected),
        ("if nobody left", evaluation.undisturbed),
        ("as paid before", evaluation.last_payments),
    ):
        found.append(f"{name:<20}Gini {one.gini:.4f}, total {one.total_bias:+.1%}, MAE {one.mae:,.2f}")
    return found
