"""The models under watch: where their scores are, what outcome judges them, who wrote a file of scores.

Belongs here: what differs between churn and value for the watch. Does not belong here: the watch (``drift``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ml import registry
from ml.drift import retraining as grounds
from ml.drift.judged import Judged, judge_amounts, judge_probabilities
from ml.drift.reference import Reference
from ml.drift.stability import odds_around_level, times_the_mean
from ml.drift.today import speaking
from ml.evaluation import Floats
from ml.model import ModelFileError
from orchestration import outcomes
from orchestration.snapshots import reading_engine
from orchestration.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Watched:
    """A model under watch."""

    model: str
    score: str
    """Column of its scores in ``<model>_scores.parquet``."""
    measures: grounds.Measures
    happened: Callable[[Workspace], outcomes.Happened]
    judge: Callable[[pd.DataFrame], Judged]
    around_level: Callable[[Floats], Floats]

    def scores(self, workspace: Workspace, inputs_id: str) -> Path:
        return workspace.state.scores / inputs_id / f"{self.model}_scores.parquet"


CHURN = Watched(
    model="churn",
    score="churn_probability",
    measures=grounds.CHURN,
    happened=outcomes.churn,
    judge=lambda frame: judge_probabilities(_floats(frame, "has_churned"), _floats(frame, "churn_probability")),
    around_level=odds_around_level,
)
VALUE = Watched(
    model="value",
    score="predicted_clv",
    measures=grounds.VALUE,
    happened=lambda _: outcomes.VALUE,
    judge=lambda frame: judge_amounts(np.maximum(_floats(frame, "net_spend"), 0), _floats(frame, "predicted_clv")),
    around_level=times_the_mean,
)


def _floats(frame: pd.DataFrame, column: str) -> Floats:
    return frame[column].to_numpy(float)


def speaker(workspace: Workspace, watched: Watched, inputs_id: str) -> registry.Version | None:
    """The registered version that wrote the scores of a run; None where a fallback did, or there are no scores."""
    scores = watched.scores(workspace, inputs_id)
    spoken = speaking(scores, reading_engine(workspace)) if scores.exists() else None
    return registry.version_or_none(workspace.state.mlflow, spoken) if spoken else None


def learned_later(workspace: Workspace, watched: Watched, inputs_id: str, day: date) -> registry.Version | None:
    """The version that wrote the scores of a run, where it was trained after that day, as where a backfill scores the
    past: it has seen what then happened."""
    version = speaker(workspace, watched, inputs_id)
    try:
        return version if version and Reference.load(version.folder).as_of > day else None
    except ModelFileError:
        return None
