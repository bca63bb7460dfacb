"""Scores of every customer of one as-of: Arrow batches in, one Parquet file out, memory by the batch.

Belongs here: streaming, statuses. Does not belong here: what a probability is made
of (``model``, ``fallback``), the file (``score_file``) or which model serves (``ml.registry``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml.batches import count_customers, scoring_batches
from ml.churn.calibration import Level
from ml.churn.explain import COMPILED_ROWS, explain
from ml.churn.fallback import MOST_KNOWN, Choice, Fallback, choose
from ml.churn.model import ChurnModel
from ml.churn.reasons import Reasons, leaders, reasons
from ml.churn.rules import SILENCE, Rule
from ml.churn.score_file import ScoreFile, score_table
from ml.engine import Engine
from ml.evaluation import Floats
from ml.model import FeatureMismatchError, explain_mismatch
from ml.parallel import in_order
from ml.snapshots import feature_names, known_snapshots, matrix, population, read_snapshots
from ml.splits import Outcome
from ml.survival.lifetimes import Lifetimes

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
    why_fallback: str | None = None
    """Why this fallback speaks and no other; None where a model does."""


@dataclass(frozen=True)
class ScoringPlan:
    """What the caller decides."""

    as_of: date
    outcome: Outcome
    active_days: int
    batch_rows: int = 65_536
    rule: Rule = SILENCE
    """By which the fallback parts customers."""
    expectation: str | None = None
    """Feature with a probability of churn of its own, by which the fallback may speak instead."""


def score(
    features: Path, labels: Path, out: Path, plan: ScoringPlan, engine: Engine,
    *, model_folder: Path | None, model_version: str | None, lifetimes: Lifetimes | None = None,
) -> ScoreSummary:  # fmt: skip
    """Write ``out`` with the columns of ``ml.churn_scores``, sorted by customer; without a model the fallback speaks.

    The file appears by one rename; a kill leaves the old one, or none. ``lifetimes`` are told of everybody who may be
    profiled, eligible or not.

    Raises
    ------
    FeatureMismatchError
        The file lacks features of the model, or of the lifetimes.
    """
    available, chosen = feature_names(features), None
    if lifetimes and set(lifetimes.names) - set(available):
        raise FeatureMismatchError(explain_mismatch(lifetimes.names, available))
    if model_folder:
        model = ChurnModel.load(model_folder)
        if set(model.names) - set(available):
            raise FeatureMismatchError(explain_mismatch(model.names, available))
        everybody = population(features, labels, model.names, plan.as_of, engine)
        level = model.level(everybody, plan.as_of, threads=engine.threads)
        is_compiled = count_customers(features, plan.as_of, engine) >= COMPILED_ROWS
        scorer = _Scorer(
            model.names, plan, engine.threads, model_version or "unregistered", model, lifetimes, level, is_compiled
        )
    else:
        chosen = _choose(features, labels, available, plan, engine)
        scorer = _Scorer(available, plan, engine.threads, chosen.fallback.version, chosen.fallback, lifetimes)
    batches = scoring_batches(features, labels, scorer.read, plan.as_of, engine, batch_rows=plan.batch_rows)
    with ScoreFile(out) as file:
        for table in _tables(scorer, batches):
            file.add(table)
    return ScoreSummary(
        path=out,
        rows=sum(file.statuses.values()),
        statuses=dict(sorted(file.statuses.items())),
        bands=dict(sorted(file.bands.items())),
        mean_probability=file.ranks.mean,
        model_version=scorer.version,
        ignored_features=tuple(n for n in available if n not in scorer.names),
        why_fallback=chosen.reason if chosen else None,
    )


@dataclass(frozen=True)
class _Scorer:
    names: tuple[str, ...]
    plan: ScoringPlan
    threads: int
    version: str
    model: ChurnModel | Fallback
    lifetimes: Lifetimes | None
    level: Level = field(default_factory=Level)
    is_compiled: bool = False

    @property
    def read(self) -> tuple[str, ...]:
        """Features that are read of a customer."""
        return tuple(dict.fromkeys((*self.names, *(self.lifetimes.names if self.lifetimes else ()))))

    def prepare(self) -> None:
        """Make tables and compile, once for all threads."""
        self._predict(np.zeros((1, len(self.names)), np.float32))

    def table(self, batch: pa.RecordBatch) -> pa.Table:
        """A batch of customers as a batch of the score file."""
        import pyarrow.compute as pc

        profiled, eligible = batch.column("is_profiled"), batch.column("is_eligible")
        speaks = "scored" if isinstance(self.model, ChurnModel) else "insufficient_data"
        otherwise = pc.if_else(eligible, speaks, batch.column("status_if_not_eligible"))
        status = pc.if_else(profiled, otherwise, "not_profiled")
        p, said = self._predict(matrix(batch.filter(pc.and_(profiled, eligible)), self.names))
        customers, base_rate = batch.column("customer_id"), self.model.base_rate
        told = (p, said, self._lifetimes(batch))
        return score_table(self.plan.as_of, customers, status, *told, base_rate=base_rate, version=self.version)

    def _lifetimes(self, batch: pa.RecordBatch) -> Floats:
        import pyarrow.compute as pc

        days, profiled = np.full(batch.num_rows, np.nan), batch.column("is_profiled")
        if self.lifetimes:
            own = batch.filter(profiled)
            leaves = pc.equal(own.column("status_if_not_eligible"), "notice_given").to_numpy(zero_copy_only=False)
            told = self.lifetimes.days(matrix(own, self.lifetimes.names), leaves)
            days[profiled.to_numpy(zero_copy_only=False)] = told
        return days

    def _predict(self, X: NDArray[np.float32]) -> tuple[Floats, Reasons]:
        if isinstance(self.model, ChurnModel):
            margin, found = explain(self.model, X, is_compiled=self.is_compiled)
            p = self.level.probability(margin)
        else:
            p, found = self.model.predict(X, self.names), leaders(self.model.contributions(X, self.names).T, self.names)
        return p, reasons(found, X, self.names)


def _tables(scorer: _Scorer, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Tables of the batches, in their order; the scorer gets ready while DuckDB sorts the first of them."""
    with ThreadPoolExecutor(1) as beside:
        ready = beside.submit(scorer.prepare)

        def table(batch: pa.RecordBatch) -> pa.Table:
            ready.result()
            return scorer.table(batch)

        yield from in_order(table, batches, scorer.threads)


def _choose(features: Path, labels: Path, names: tuple[str, ...], plan: ScoringPlan, engine: Engine) -> Choice:
    dates = plan.outcome.known_at(tuple(known_snapshots(labels, engine)), plan.as_of)
    known = read_snapshots(features, labels, names, dates, engine, max_rows=MOST_KNOWN)
    present = population(features, labels, names, plan.as_of, engine, most=10_000)
    return choose(
        known, present, plan.outcome, active_days=plan.active_days, rule=plan.rule, expectation=plan.expectation
    )
