"""The churn stage: which snapshots train, what the gate decides, who scores.

Belongs here: the shop's settings in the terms of ``ml``. Does not belong here: models and gates themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ml.splits import Outcome, snapshot_dates
from orchestration.inputs import Inputs
from orchestration.jobs import TRAINING_TAG
from orchestration.landing import batches
from orchestration.workspace import Workspace


@dataclass(frozen=True)
class Trained:
    """What training ended with, for the asset and its check."""

    metadata: dict[str, Any]
    is_champion: bool
    decision: str
    gate: dict[str, Any]


def is_training_due(tags: Mapping[str, str]) -> bool:
    """Whether the run trains, by its tag."""
    return tags.get(TRAINING_TAG) == "true"


def outcome(workspace: Workspace) -> Outcome:
    """The shop's definition of churn: how far a label looks ahead, and when it is known."""
    churn = workspace.shop.churn
    return Outcome(churn.horizon_days, churn.label_delay_days)


def training_dates(workspace: Workspace, as_of_date: date) -> tuple[date, ...]:
    """As-ofs whose outcome is known at this one, back to the shop's first activity."""
    churn = workspace.shop.churn
    first = min(
        (
            datetime.fromisoformat(batch.first_occurred_at).date()
            for batch in batches(workspace.state).get(churn.activity, [])
            if batch.first_occurred_at
        ),
        default=None,
    )
    return snapshot_dates(
        as_of_date,
        outcome(workspace),
        step_days=churn.snapshot_step_days,
        count=churn.training_snapshots,
        first_date=first,
    )


def champion_version(workspace: Workspace) -> str | None:
    """The model that scores, by its content; None before the first."""
    return None


def export_snapshots(workspace: Workspace, inputs: Inputs) -> dict[str, Any]:
    raise NotImplementedError


def train_challenger(workspace: Workspace, inputs: Inputs, run_id: str) -> Trained:
    raise NotImplementedError


def score(workspace: Workspace, inputs: Inputs) -> dict[str, Any]:
    raise NotImplementedError
