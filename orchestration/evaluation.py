"""How good the scores of an as-of were, once it is known what happened; no stage of the pipeline reads this.

Belongs here: joining scores with outcomes, and with the truth of a simulated shop. Does not belong here: metrics
(``ml.evaluation``) and the oracle (``ml.simulator``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from ml.churn.rules import RULES
from ml.evaluation import Metrics, auc, evaluate
from orchestration.inputs import pinned
from orchestration.simulation import truth_folder
from orchestration.state import StateError
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
    frame = _outcomes(workspace, as_of_date, str(scores), str(workspace.state.features / inputs.inputs_id))
    rule = RULES[workspace.shop.churn.mode]
    y, p = frame["has_churned"].to_numpy(float), frame["churn_probability"].to_numpy(float)
    return Evaluation(
        customers=len(frame),
        churn_rate=float(y.mean()),
        model=evaluate(y, p),
        rule=rule.name,
        rule_auc=auc(y, rule.rank({str(name): values.to_numpy() for name, values in frame.items()})),
        oracle=_oracle(workspace, as_of_date, frame) if workspace.shop.simulator else None,
    )


def lines(evaluation: Evaluation) -> list[str]:
    """The evaluation as a person reads it."""
    found = [
        f"{evaluation.customers:,} customers, {evaluation.churn_rate:.1%} churned",
        f"AUC {evaluation.model.auc:.4f} ({evaluation.rule} alone {evaluation.rule_auc:.4f}), "
        f"log-loss {evaluation.model.log_loss:.4f}, calibration error {evaluation.model.calibration_error:.4f} "
        f"(noise up to {evaluation.model.calibration_error_noise:.4f}), slope {evaluation.model.calibration_slope:.2f}",
    ]
    if oracle := evaluation.oracle:
        found.append(
            f"oracle AUC {oracle.oracle_auc:.4f}, model {oracle.model_auc:.4f} on the same {oracle.customers:,}: "
            f"(AUC - .5) / (oracle - .5) = {oracle.share:.3f}"
        )
    return found


def _outcomes(workspace: Workspace, as_of_date: date, scores: str, features: str) -> pd.DataFrame:
    """Scored customers with what they did in the horizon, whoever they have been found to be since."""
    shop = workspace.shop
    end = as_of_date + timedelta(days=shop.churn.horizon_days)
    happened = _HAPPENED[shop.churn.touchpoint]
    with workspace.warehouse() as warehouse:
        last = warehouse.execute(f"select max(occurred_at) from {happened.fact}").fetchone()
        if last is None or last[0] is None or last[0].date() < end - timedelta(days=1):
            raise StateError(f"the horizon of {as_of_date} ends on {end}; data have landed up to {last and last[0]}")
        return warehouse.execute(
            f"""
            with bounds as (
                select timezone('UTC', timezone('{shop.time_zone}', timestamp '{as_of_date}')) as starts_at,
                    timezone('UTC', timezone('{shop.time_zone}', timestamp '{end}')) as ends_at
            ),
            latest as (
                select identifier_id, customer_id from identity.person_spans where known_to > timestamp '9000-01-01'
            ),
            ledger as (select customer_id, identifier_id from identity.customer_ledger),
            stayed as ({happened.stayed})
            select scores.customer_id, scores.churn_probability, features.*, stayed.customer_id is null as has_churned
            from read_parquet('{scores}') as scores
            inner join (
                select * exclude (as_of_date) rename (customer_id as featured_id)
                from read_parquet('{features}/customer_features.parquet') where as_of_date = date '{as_of_date}'
            ) as features on scores.customer_id = features.featured_id
            inner join ledger on scores.customer_id = ledger.customer_id
            left join latest on ledger.identifier_id = latest.identifier_id
            left join stayed on coalesce(latest.customer_id, scores.customer_id) = stayed.customer_id
            where scores.churn_probability is not null
            order by scores.customer_id
            """
        ).df()


@dataclass(frozen=True)
class _Happened:
    """How it is told who stayed: the table of facts, and a query over ``latest`` and ``bounds``."""

    fact: str
    stayed: str


def _active(fact: str, weight: str) -> _Happened:
    return _Happened(
        fact,
        f"""select latest.customer_id
            from {fact} as fact inner join latest using (identifier_id) cross join bounds
            where fact.occurred_at >= bounds.starts_at and fact.occurred_at < bounds.ends_at
            group by 1 having sum({weight}) > 0""",
    )


_CONTRACTS = _Happened(
    "staging.stg_subscriptions",
    """select distinct latest.customer_id
        from (
            select contracts.*, bounds.ends_at, row_number() over (
                partition by subscription_id order by occurred_at desc, known_at desc, row_hash
            ) as newness
            from staging.stg_subscriptions as contracts cross join bounds where occurred_at < bounds.ends_at
        ) as contracts
        inner join latest using (identifier_id)
        where newness = 1 and status <> 'ended' and started_at < ends_at and coalesce(ended_at >= ends_at, true)""",
)
_HAPPENED = {
    "orders": _active("marts.fct_order_lines", "line_change"),
    "events": _active("marts.fct_events", "1"),
    "subscriptions": _CONTRACTS,
}
"""By the touchpoint that churn is told from."""


def _oracle(workspace: Workspace, as_of_date: date, frame: pd.DataFrame) -> OracleShare:
    from ml.simulator import oracle_churn_probability, outcomes, who_is_who

    churn, truth = workspace.shop.churn, truth_folder(workspace)
    people = who_is_who(truth)
    people = people[people["identifier_type"] == "account"]
    with workspace.warehouse() as warehouse:
        accounts = warehouse.execute(
            "select distinct customer_id, substr(identifier_id, 9) as identifier from identity.person_spans "
            "where identifier_id like 'account:%'"
        ).df()
    oracle = oracle_churn_probability(truth, as_of_date, churn.horizon_days)[["person_id", "churn_probability"]]
    happened = outcomes(truth, as_of_date, churn.horizon_days, churn.active_days)
    joined = (
        frame[["customer_id", "churn_probability"]]
        .merge(accounts, on="customer_id")
        .merge(people[["identifier", "person_id"]], on="identifier")
        .drop_duplicates("customer_id")
        .merge(oracle.rename(columns={"churn_probability": "oracle"}), on="person_id")
        .merge(happened[happened["is_eligible"]], on="person_id")
    )
    y = joined["has_churned"].to_numpy(float)
    return OracleShare(
        len(joined),
        auc(y, joined["churn_probability"].to_numpy(float)),
        auc(y, np.asarray(joined["oracle"], dtype=float)),
    )
