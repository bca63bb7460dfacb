"""Scores of every customer of one as-of: Arrow batches in, one Parquet file out, memory by the batch.

Belongs here: streaming, statuses. Does not belong here: what a probability is made
of (``model``, ``fallback``), the file (``score_file``) or which model serves (``ml.registry``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml.churn.fallback import Fallback, fit_fallback
from ml.churn.model import ChurnModel
from ml.churn.reasons import Reasons, top_reasons
from ml.churn.rules import SILENCE, Rule
from ml.churn.score_file import ScoreFile, score_table
from ml.engine import Engine
from ml.evaluation import Floats
from ml.model import FeatureMismatchError, explain_mismatch
from ml.snapshots import feature_names, known_snapshots, matrix, population, read_snapshots, scoring_batches
from ml.splits import Outcome

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class ScoreSummary:
    """What was written."""

    path: Path
    rows: int
    statuses: dict[str, int]
    bands: dict[str, int]
    mean_probability: float
    model_version: str
    ignored_features: tuple[str, ...]
    """Features in the file that the model never learned."""


@dataclass(frozen=True)
class ScoringPlan:
    """What the caller decides."""

    as_of: date
    outcome: Outcome
    active_days: int
    batch_rows: int = 65_536
    rule: Rule = SILENCE
    """By which the fallback parts customers."""


def score(
    features: Path, labels: Path, out: Path, plan: ScoringPlan, engine: Engine,
    *, model_folder: Path | None, model_version: str | None,
) -> ScoreSummary:  # fmt: skip
    """Write ``out`` with the columns of ``ml.churn_scores``, sorted by customer; without a model the fallback speaks.

    The file appears by one rename; a kill leaves the old one, or none.

    Raises
    ------
    FeatureMismatchError
        The file lacks features of the model.
    """
    available = feature_names(features)
    if model_folder:
        model = ChurnModel.load(model_folder)
        if set(model.names) - set(available):
            raise FeatureMismatchError(explain_mismatch(model.names, available))
        everybody = population(features, labels, model.names, plan.as_of, engine)
        level = model.level(everybody, plan.as_of, threads=engine.threads)
        scorer = _Scorer(model.names, plan, engine.threads, model_version or "unregistered", model, level)
    else:
        fallback = _fit_fallback(features, labels, available, plan, engine)
        scorer = _Scorer(available, plan, engine.threads, fallback.version, fallback, 0.0)
    batches = scoring_batches(features, labels, scorer.names, plan.as_of, engine, batch_rows=plan.batch_rows)
    with ScoreFile(out) as file:
        for batch in batches:
            file.add(scorer.table(batch))
    scored = file.probabilities[np.isfinite(file.probabilities)]
    return ScoreSummary(
        path=out,
        rows=len(file.probabilities),
        statuses=dict(sorted(file.statuses.items())),
        bands=dict(sorted(file.bands.items())),
        mean_probability=float(scored.mean()) if len(scored) else float("nan"),
        model_version=scorer.version,
        ignored_features=tuple(n for n in available if n not in scorer.names),
    )


@dataclass(frozen=True)
class _Scorer:
    names: tuple[str, ...]
    plan: ScoringPlan
    threads: int
    version: str
    model: ChurnModel | Fallback
    level: float

    def table(self, batch: pa.RecordBatch) -> pa.Table:
        """A batch of customers as a batch of the score file."""
        X = matrix(batch, self.names)
        profiled = batch.column("is_profiled").to_numpy(zero_copy_only=False).astype(bool)
        eligible = batch.column("is_eligible").to_numpy(zero_copy_only=False).astype(bool)
        speaks = "scored" if isinstance(self.model, ChurnModel) else "insufficient_data"
        otherwise = batch.column("status_if_not_eligible").to_numpy(zero_copy_only=False)
        status = np.select([~profiled, ~eligible], ["not_profiled", otherwise], speaks).astype(object)
        p, reasons = self._predict(X[profiled & eligible])
        customers, base_rate = batch.column("customer_id"), self.model.base_rate
        return score_table(self.plan.as_of, customers, status, p, reasons, base_rate=base_rate, version=self.version)

    def _predict(self, X: NDArray[np.float32]) -> tuple[Floats, Reasons]:
        if len(X) == 0:
            return np.empty(0), top_reasons(np.zeros(X.shape), X, self.names)
        if isinstance(self.model, Fallback):
            return self.model.predict(X, self.names), top_reasons(
                self.model.contributions(X, self.names), X, self.names
            )
        p = self.model.predict(X, self.names, self.level, threads=self.threads)
        return p, top_reasons(self.model.contributions(X, threads=self.threads), X, self.names)


def _fit_fallback(features: Path, labels: Path, names: tuple[str, ...], plan: ScoringPlan, engine: Engine) -> Fallback:
    dates = plan.outcome.known_at(tuple(known_snapshots(labels, engine)), plan.as_of)
    known = read_snapshots(features, labels, names, dates, engine, max_rows=10_000)
    batches = scoring_batches(features, labels, names, plan.as_of, engine, batch_rows=10_000)
    first = next(iter(batches), None)
    present = matrix(first, names) if first is not None else np.empty((0, len(names)), np.float32)
    return fit_fallback(known.X, known.y, present, names, active_days=plan.active_days, rule=plan.rule)
