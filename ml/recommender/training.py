"""From what was bought after earlier as-ofs to a blend with an honest backtest.

Belongs here: the order of the steps. Does not belong here: MLflow (``record``), whether it may serve
(``ml.promotion``).

Two time splits, a horizon apart. At the earlier one the weights are found: generators count what was known then, the
purchases of the window after it say what each should have counted. At the later one, which no weight has seen, the
recommender, its champion and the baselines are judged on the purchases of the window up to the scored as-of. What is
judged is what serves: the same weights, with counts as of the day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np

from ml.recommender.backtest import Backtest, Judged, backtest, outcomes
from ml.recommender.blend import Blend, history_group, learn
from ml.recommender.data import World
from ml.recommender.lists import Shape
from ml.recommender.model import Fitted, ModelFileError, RecommenderModel
from ml.recommender.rules import Mode
from ml.recommender.sparse import at
from ml.snapshots import Engine

LEAST_CUSTOMERS = 30
"""Who bought in a window; with fewer neither weights nor differences mean anything."""


@dataclass(frozen=True)
class TrainingPlan:
    """What the caller decides."""

    as_of: date
    tuned_at: date
    judged_at: date
    horizon_days: int
    mode: Mode = "mixed"
    shape: Shape = field(default_factory=Shape)
    seed: int = 7


@dataclass(frozen=True)
class TrainingResult:
    """A model and how it did."""

    model: RecommenderModel
    backtest: Backtest
    tuned_on: int
    """Purchases that taught the weights."""
    items: int
    data_hash: str
    champion_unfit: str | None = None


@dataclass(frozen=True)
class TooLittleData:
    """Nothing can be learned yet; every generator then counts the same."""

    reason: str
    customers: int


def train(
    folder: Path, plan: TrainingPlan, engine: Engine, *, champion_folder: Path | None = None
) -> TrainingResult | TooLittleData:
    """Find weights at the earlier split, judge them at the later one. The same bytes for any number of threads."""
    import threadpoolctl

    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        tuned, judged = World(folder, plan.tuned_at, engine), World(folder, plan.judged_at, engine)
        happened = {world.as_of: outcomes(world) for world in (tuned, judged)}
        for day, found in happened.items():
            customers = sum(len(judged_block.block) for judged_block in found)
            if customers < LEAST_CUSTOMERS:
                return TooLittleData(f"{customers} known customers bought after {day}", customers)
        blend, purchases = tune(RecommenderModel.untrained().fit(tuned), happened[plan.tuned_at])
        model = RecommenderModel(blend)
        champion, unfit = _champion(champion_folder, model)
        blends = {"model": blend} | ({"champion": champion.blend} if champion else {})
        tested = backtest(model.fit(judged), happened[plan.judged_at], blends, plan.mode, plan.shape)
    return TrainingResult(model, tested, purchases, judged.catalogue.size, _hash(folder, plan), unfit)


def tune(fitted: Fitted, happened: Sequence[Judged]) -> tuple[Blend, int]:
    """Weights under which the purchases of the window were most likely, and how many purchases spoke."""
    shares, groups = [np.empty((0, len(fitted.generators)))], [np.empty(0, np.int64)]
    for judged in happened:
        proposals = fitted.propose(judged.block)
        shares.append(np.column_stack([at(proposal, judged.rows, judged.items) for proposal in proposals]))
        groups.append(history_group(judged.block.purchases[judged.rows]))
    together = np.concatenate(shares)
    return learn(together, np.concatenate(groups)), len(together)


def _champion(folder: Path | None, challenger: RecommenderModel) -> tuple[RecommenderModel | None, str | None]:
    """The champion, or why it cannot be judged. Its counts at the judged as-of are those of the challenger."""
    if folder is None:
        return None, None
    try:
        champion = RecommenderModel.load(folder)
    except ModelFileError as error:
        return None, str(error)
    return (champion, None) if champion.counts_like(challenger) else (None, "its generators have other parameters")


def _hash(folder: Path, plan: TrainingPlan) -> str:
    """Hash of the files that training read and of what it was asked for."""
    digest = hashlib.sha256(repr(plan).encode())
    for path in sorted(folder.glob("recommender_*.parquet")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
