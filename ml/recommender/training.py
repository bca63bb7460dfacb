"""From what was bought after earlier as-ofs to a blend with an honest backtest.

Belongs here: the order of the steps. Does not belong here: MLflow (``record``), whether it may serve
(``ml.recommender.gate``).

Time splits, a horizon apart. At the earlier ones the model learns: generators count what was known then, the purchases
of the window after it say what each should have counted. At the last one, which no weight and no tree has seen, the
recommender, its champion and the baselines are judged on the purchases of the window up to the scored as-of. What is
judged is what serves: the same weights and ranker, with counts as of the day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from ml.model import ModelFileError
from ml.parallel import one_blas_thread
from ml.recommender.backtest import Backtest, backtest
from ml.recommender.data import World
from ml.recommender.lessons import Learned, Lesson, teach
from ml.recommender.lists import Shape
from ml.recommender.logged import judge_logged
from ml.recommender.model import Fits, RecommenderModel
from ml.recommender.offpolicy import OffPolicy
from ml.recommender.outcomes import outcomes
from ml.recommender.rules import Mode
from ml.snapshots import Engine

LEAST_CUSTOMERS = 30
"""Who bought in a window; with fewer neither weights nor differences mean anything."""


@dataclass(frozen=True)
class TrainingPlan:
    """What the caller decides."""

    as_of: date
    taught_at: tuple[date, ...]
    """Ascending."""
    judged_at: date
    horizon_days: int
    mode: Mode | None = None
    """What lists hold; by the shop's own data if not given."""
    time_budget: float | None = None
    logged: Path | None = None
    """Lists that were published at ``judged_at``, where there are any."""
    shape: Shape = field(default_factory=Shape)
    seed: int = 7


@dataclass(frozen=True)
class TrainingResult:
    """A model and how it did."""

    learned: Learned
    backtest: Backtest
    items: int
    data_hash: str
    champion_unfit: str | None = None
    off_policy: Mapping[str, OffPolicy] = field(default_factory=dict)
    """By reward, what the model's lists of ``judged_at`` would have been worth, by what people did with those shown."""

    @property
    def model(self) -> RecommenderModel:
        return self.learned.model


@dataclass(frozen=True)
class TooLittleData:
    """Nothing can be learned yet; every generator then counts the same."""

    reason: str
    customers: int


def train(
    folder: Path, plan: TrainingPlan, engine: Engine, *, champion_folder: Path | None = None
) -> TrainingResult | TooLittleData:
    """Learn at the earlier splits, judge at the last one. The same bytes for any number of threads."""
    with one_blas_thread():
        lessons = []
        for day in (*plan.taught_at, plan.judged_at):
            world = World(folder, day, engine)
            lessons.append(Lesson(world, outcomes(world)))
        customers = [sum(len(judged.block) for judged in lesson.happened) for lesson in lessons]
        for day, count in list(zip((*plan.taught_at, plan.judged_at), customers, strict=True))[-2:]:
            if count < LEAST_CUSTOMERS:
                return TooLittleData(f"{count} known customers bought after {day}", count)
        last = lessons[-1]
        earlier = [one for one, count in zip(lessons[:-1], customers[:-1], strict=True) if count >= LEAST_CUSTOMERS]
        learned = teach(earlier, mode=plan.mode, time_budget=plan.time_budget, seed=plan.seed)
        champion, unfit = _champion(champion_folder)
        fits: Fits = {}
        models = {"model": learned.model, **({"champion": champion.in_mode(plan.mode)} if champion else {})}
        fitted = {name: model.fit(last.source, fits) for name, model in models.items()}
        tested = backtest(fitted, last.happened, plan.shape, asked=plan.mode)
        answered: Mapping[str, OffPolicy] = {}
        if plan.logged:
            answered = judge_logged(
                fitted["model"], World(folder, plan.as_of, engine), plan.logged, plan.shape, seed=plan.seed
            )
    return TrainingResult(learned, tested, last.source.catalogue.size, _hash(folder, plan), unfit, answered)


def _champion(folder: Path | None) -> tuple[RecommenderModel | None, str | None]:
    """The champion, or why it cannot be judged."""
    if folder is None:
        return None, None
    try:
        return RecommenderModel.load(folder), None
    except ModelFileError as error:
        return None, str(error)


def _hash(folder: Path, plan: TrainingPlan) -> str:
    """Hash of the files that training read and of what it was asked for."""
    digest = hashlib.sha256(repr(replace(plan, logged=None)).encode())  # a path is not content
    for path in sorted(folder.glob("recommender_*.parquet")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
