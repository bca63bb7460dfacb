"""How good the scores of an as-of were, once it is known what happened; no stage of the pipeline reads this.

Belongs here: what the scores and the simple rule were worth, and joining them with the truth of a simulated shop. Does
not belong here: outcomes (``orchestration.outcomes``), metrics (``ml.evaluation``) and the oracle (``ml.simulator``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from ml.churn.rules import RULES
from ml.evaluation import Metrics, auc, evaluate
from orchestration.inputs import pinned
from orchestration.left_alone import left_alone
from orchestration.outcomes import churn, outcomes
from orchestration.simulation import truth_folder
from orchestration.snapshots import snapshot_folder
from orchestration.state import StateError
from orchestration.watched import CHURN, learned_later
from orchestration.workspace import Workspace


@dataclass(frozen=True)
class Evaluation:
    """Scores held against outcomes."""

    customers: int
    churn_rate: float
    model: Metrics
    rule: str
    """Name of the simple rule that needs no model."""
    rule_auc: float
    oracle: OracleShare | None
    holdout: Metrics | None = None
    """Of the holdout, where plays were sent within the horizon: scores mean the risk without plays."""
    lifetime_auc: float | None = None
    """Of expected remaining lifetimes of contracts: how often who stayed was expected to remain longer. None elsewhere:
    who orders rarely may remain a customer through a horizon without an order."""
    learned_later: str | None = None
    """The version that scored, where it was trained after the as-of: what it says is no forecast."""


@dataclass(frozen=True)
class OracleShare:
    """How much of what could be known the model knew, on people with an account and their true outcome."""

    customers: int
    model_auc: float
    oracle_auc: float

    @property
    def share(self) -> float:
        """(AUC - .5) / (oracle AUC - .5)."""
        return (self.model_auc - 0.5) / (self.oracle_auc - 0.5)


def evaluate_scores(workspace: Workspace, as_of_date: date) -> Evaluation:
    """Evaluate the scores written for an as-of.

    Raises
    ------
    StateError
        There are no scores for it, or its horizon is not over in the data that have landed.
    """
    inputs = pinned(workspace.state, as_of_date.isoformat())
    scores = workspace.state.scores / inputs.inputs_id / "churn_scores.parquet"
    if not scores.exists():
        raise StateError(f"there are no scores for {as_of_date}: regulars run --as-of {as_of_date}")
    features = snapshot_folder(workspace, inputs) / "customer_features.parquet"
    frame = outcomes(workspace, churn(workspace), as_of_date, scores, features=features)
    end = as_of_date + timedelta(days=workspace.shop.churn.horizon_days)
    alone = left_alone(workspace, frame, as_of_date, as_of=end)
    rule = RULES[workspace.shop.churn.mode]
    later = learned_later(workspace, CHURN, inputs.inputs_id, as_of_date)
    y = frame["has_churned"].to_numpy(float)
    return Evaluation(
        customers=len(frame),
        churn_rate=float(y.mean()),
        model=_metrics(frame),
        rule=rule.name,
        rule_auc=auc(y, rule.rank({str(name): values.to_numpy() for name, values in frame.items()})),
        oracle=_oracle(workspace, as_of_date, frame) if workspace.shop.simulator else None,
        holdout=None if alone is frame else _metrics(alone),
        lifetime_auc=_lifetime_auc(frame) if workspace.shop.churn.touchpoint == "subscriptions" else None,
        learned_later=later.spoken if later else None,
    )


def _lifetime_auc(frame: pd.DataFrame) -> float | None:
    told = frame[frame["expected_remaining_lifetime_days"].notna()]
    if told["has_churned"].nunique() < 2:
        return None
    return auc(told["has_churned"].to_numpy(float), -told["expected_remaining_lifetime_days"].to_numpy(float))


def _metrics(frame: pd.DataFrame) -> Metrics:
    return evaluate(frame["has_churned"].to_numpy(float), frame["churn_probability"].to_numpy(float))


def lines(evaluation: Evaluation) -> list[str]:
    """The evaluation as a person reads it."""
    found = [
        f"{evaluation.customers:,} customers, {evaluation.churn_rate:.1%} churned",
        f"AUC {evaluation.model.auc:.4f} ({evaluation.rule} alone {evaluation.rule_auc:.4f}), "
        + _calibration(evaluation.model),
    ]
    if evaluation.learned_later:
        found.append(
            f"{evaluation.learned_later} was trained after this as-of and has seen what then happened: no forecast is "
            "so good. `regulars backtest` judges every date by what was known then"
        )
    if alone := evaluation.holdout:
        found.append(
            f"plays were sent; among the {alone.customers:,} held out of all {alone.churn_rate:.1%} churned: "
            f"AUC {alone.auc:.4f}, {_calibration(alone)}"
        )
    if (stayed := evaluation.lifetime_auc) is not None:
        found.append(f"expected remaining lifetime: AUC {stayed:.4f} of who stayed through the horizon")
    if oracle := evaluation.oracle:
        found.append(
            f"oracle AUC {oracle.oracle_auc:.4f}, model {oracle.model_auc:.4f} on the same {oracle.customers:,}: "
            f"(AUC - .5) / (oracle - .5) = {oracle.share:.3f}"
        )
    return found


def _calibration(model: Metrics) -> str:
    return (
        f"log-loss {model.log_loss:.4f}, calibration error {model.calibration_error:.4f} "
        f"(noise up to {model.calibration_error_noise:.4f}), slope {model.calibration_slope:.2f}"
    )


def _oracle(workspace: Workspace, as_of_date: date, frame: pd.DataFrame) -> OracleShare:
    from ml import simulator

    settings, truth = workspace.shop.churn, truth_folder(workspace)
    people = simulator.who_is_who(truth)
    people = people[people["identifier_type"] == "account"]
    with workspace.warehouse() as warehouse:
        accounts = warehouse.execute(
            "select distinct customer_id, substr(identifier_id, 9) as identifier from identity.person_spans "
            "where identifier_id like 'account:%'"
        ).df()
    oracle = simulator.oracle_churn_probability(truth, as_of_date, settings.horizon_days)
    happened = simulator.outcomes(truth, as_of_date, settings.horizon_days, settings.active_days)
    joined = (
        frame[["customer_id", "churn_probability"]]
        .merge(accounts, on="customer_id")
        .merge(people[["identifier", "person_id"]], on="identifier")
        .drop_duplicates("customer_id")
        .merge(
            oracle[["person_id", "churn_probability"]].rename(columns={"churn_probability": "oracle"}), on="person_id"
        )
        .merge(happened[happened["is_eligible"]], on="person_id")
    )
    y = joined["has_churned"].to_numpy(float)
    return OracleShare(
        len(joined),
        auc(y, joined["churn_probability"].to_numpy(float)),
        auc(y, np.asarray(joined["oracle"], dtype=float)),
    )
