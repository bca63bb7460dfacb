"""Value of every customer of one as-of: Arrow batches in, one Parquet file out, memory by the batch.

Belongs here: streaming. Does not belong here: what an expectation is made of (``model``, ``fallback``), what
follows from it (``score_table``), the file (``score_file``), which model serves (``ml.registry``).

Two passes over the customers: the season acts on the sum of all, so all are predicted before any is written.
Between the passes stand a few numbers per customer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.batches import count_customers, scoring_batches
from ml.booster import COMPILED_ROWS
from ml.engine import Engine
from ml.model import FeatureMismatchError, explain_mismatch
from ml.snapshots import feature_names, known_snapshots, matrix, read_snapshots
from ml.splits import Outcome
from ml.value import fallback, rhythm
from ml.value.labels import TARGETS
from ml.value.model import Prediction, ValueModel, joined
from ml.value.score_file import ScoreFile
from ml.value.score_table import OWN_RETURNED, OWN_SPEND, Shares, is_scored, rows, score_table

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class ScoringPlan:
    """What the caller decides."""

    as_of: date
    outcome: Outcome
    batch_rows: int = 65_536


@dataclass(frozen=True)
class ScoreSummary:
    """What was written."""

    path: Path
    rows: int
    statuses: dict[str, int]
    predicted_total: float
    level_factor: float
    model_version: str


@dataclass(frozen=True)
class Sources:
    """Where a batch's numbers come from. ``margins``: spend and margin in cents by customer (``customer_margins``)."""

    features: Path
    labels: Path
    margins: Path
    engine: Engine


def score(
    sources: Sources, out: Path, plan: ScoringPlan, *, model_folder: Path | None, model_version: str | None
) -> ScoreSummary:
    """Write ``out`` with the columns of ``ml.value_scores``, sorted by customer; without a model the fallback speaks.

    Raises
    ------
    FeatureMismatchError
        The file lacks features of the model.
    """
    available = feature_names(sources.features)
    if model_folder:
        model = ValueModel.load(model_folder)
        if set(model.names) - set(available):
            raise FeatureMismatchError(explain_mismatch(model.names, available))
        prediction, mean_spend = _predicted(model, sources, plan)
        returned, speaks, version = model.returned_share, "scored", model_version or "unregistered"
        a_day = model.orders_a_day
    else:
        prediction, mean_spend, returned, a_day, version = _without_model(sources, plan, available)
        speaks = "insufficient_data"
    variation = _gap_variation(sources, plan, available)
    shares = Shares(returned, _margin_of_all(sources, plan), mean_spend, variation, a_day)
    with ScoreFile(out) as file:
        start = 0
        for batch in _second_pass(sources, plan, available):
            scored = is_scored(batch)
            own = slice(start, start + int(scored.sum()))
            start = own.stop
            file.add(score_table(batch, scored, rows(prediction, own), plan, shares, (speaks, version)))
    total = float(prediction.spend.sum())
    return ScoreSummary(out, file.rows, dict(sorted(file.statuses.items())), total, prediction.factor, version)


def _predicted(model: ValueModel, sources: Sources, plan: ScoringPlan) -> tuple[Prediction, float]:
    parts, spent = [], []
    is_compiled = count_customers(sources.features, plan.as_of, sources.engine) >= COMPILED_ROWS
    for X in _matrices(sources, plan, model.names):
        parts.append(model.parts(X, model.names, threads=sources.engine.threads, is_compiled=is_compiled))
        spent.append(X[:, model.names.index(OWN_SPEND)] if OWN_SPEND in model.names else np.zeros(len(X)))
    return model.levelled(joined(parts), plan.as_of), _mean(spent)


def _without_model(
    sources: Sources, plan: ScoringPlan, available: tuple[str, ...]
) -> tuple[Prediction, float, float, float, str]:
    """What the fallback expects, mean spend, share returned as far as outcomes are known, orders a day; who says so."""
    names = tuple(name for name in fallback.COLUMNS if name in available)
    X = np.concatenate([np.empty((0, len(names)), np.float32), *_matrices(sources, plan, names)])
    dates = plan.outcome.known_at(tuple(known_snapshots(sources.labels, sources.engine, TARGETS)), plan.as_of)
    known = read_snapshots(
        sources.features, sources.labels, names, dates, sources.engine, max_rows=10_000, targets=TARGETS
    )
    gross, net = (float(known.target(f"{name}_within_horizon").sum()) for name in ("spend", "net_spend"))
    returned = float(np.clip(1 - net / gross, 0, 0.9)) if gross > 0 else 0.0
    found = fallback.expect(X, names, plan.outcome.horizon_days, returned_share=returned)
    nothing = np.full(len(X), np.nan)
    spent = [X[:, names.index(OWN_SPEND)]] if OWN_SPEND in names else []
    prediction = Prediction(found.spend, found.orders, nothing, nothing)
    return prediction, _mean(spent), returned, found.orders_a_day, found.version


def _matrices(sources: Sources, plan: ScoringPlan, names: tuple[str, ...]) -> Iterator[NDArray[np.float32]]:
    """Features of those who are scored, batch by batch."""
    batches = scoring_batches(
        sources.features, sources.labels, names, plan.as_of, sources.engine, batch_rows=plan.batch_rows
    )
    for batch in batches:
        yield matrix(batch, names)[is_scored(batch)]


def _second_pass(sources: Sources, plan: ScoringPlan, available: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    names = [name for name in (*rhythm.COLUMNS, OWN_SPEND, OWN_RETURNED) if name in available]
    return scoring_batches(
        sources.features, sources.labels, names, plan.as_of, sources.engine,
        batch_rows=plan.batch_rows, beside=sources.margins,
    )  # fmt: skip


def _margin_of_all(sources: Sources, plan: ScoringPlan) -> float | None:
    """Margin over spend of the last year on items whose unit cost is known; None where there were none."""
    query = "select sum(margin_cents_365d), sum(known_spend_cents_365d) from read_parquet(?) where as_of_date = ?"
    with sources.engine.connect() as connection:
        margin, spend = connection.execute(query, [str(sources.margins), plan.as_of]).fetchone() or (None, None)
    return float(margin) / float(spend) if spend else None


def _gap_variation(sources: Sources, plan: ScoringPlan, available: tuple[str, ...]) -> float:
    """How much the gaps of a customer usually vary."""
    if "order_gap_std_days" not in available:
        return rhythm.NO_VARIATION
    query = f"select {rhythm.VARIATION} from read_parquet(?) where as_of_date = ?"
    with sources.engine.connect() as connection:
        (found,) = connection.execute(query, [str(sources.features), plan.as_of]).fetchone() or (None,)
    return rhythm.NO_VARIATION if found is None else float(found)


def _mean(parts: list[Any]) -> float:
    spent = np.concatenate(parts).astype(np.float64) if parts else np.empty(0)
    return float(np.nan_to_num(spent).mean()) if len(spent) else 0.0
