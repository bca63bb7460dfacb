"""``regulars tune``: better settings for a shop's models, searched for a bounded time.

Belongs here: the shop's snapshots and state in the terms of ``ml.tuning``, what is written, what is said. Does not
belong here: the search and its judgement (``ml.tuning``), the file (``tuned``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from orchestration import churn, tuned, value
from orchestration.fingerprints import code_hash, digest
from orchestration.inputs import Inputs, fresh
from orchestration.models import first_activity, outcome, training_dates
from orchestration.partitions import require_as_of
from orchestration.rebuilding import snapshots
from orchestration.shop import ShopError
from orchestration.snapshots import reading_engine
from orchestration.workspace import Workspace

if TYPE_CHECKING:
    from ml.tuning.study import Attempt
    from ml.tuning.task import Task
    from ml.tuning.tracked import TrackedStudy
    from ml.tuning.verdict import Verdict

MODELS = ("churn", "value")
Note = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    as_of: date
    minutes: float
    """Of each model."""
    seed: int = 7
    is_tracked: bool = True
    """Whether MLflow is told."""
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True)
class Tuning:
    """What became of the search for one model."""

    task: Task
    study: str
    attempts: tuple[Attempt, ...]
    verdict: Verdict
    run_id: str | None
    """Of the study in MLflow, experiment ``<shop>.tuning``."""


def inputs_of(workspace: Workspace, day: date) -> Inputs:
    """What has landed, with the snapshots that a training at this as-of would learn from.

    Raises
    ------
    ShopError
        It is no as-of, or nothing has landed.
    """
    require_as_of(workspace.shop, day)
    if first_activity(workspace) is None:
        raise ShopError(f"nothing has landed for {workspace.shop.slug}: run it once before")
    dates = training_dates(workspace, day)
    found = fresh(workspace.state, workspace.shop, day, training_dates=dates, champions={})
    snapshots(workspace, found)
    return found


def searched(workspace: Workspace, inputs: Inputs, model: str, request: Request, note: Note) -> Tuning:
    """Go on with the search for this data, or begin one. The caller holds the shop's lock.

    Raises
    ------
    ShopError
        There is too little history before the dates that the gate judges on.
    """
    from ml.booster import Recipe
    from ml.tuning.study import search
    from ml.tuning.timebox import TimeBox
    from ml.tuning.verdict import judge, spoken_dates

    box = TimeBox(60 * request.minutes, request.clock)
    task = _task(workspace, inputs, model)
    study = digest([model, task.data_hash, spoken_dates(task), request.seed, code_hash()])
    standing = tuned.recipe_for(workspace.shop.folder, model, request.as_of)
    note(f"{model}: {task.metric} on {spoken_dates(task)}; {task.confirming.date} is kept to confirm; study {study}")
    with _tracked(workspace, task, study, request) as run:

        def told(done: tuple[Attempt, ...]) -> None:
            if run:
                run.add(done)
            note(_line(task, done))

        attempts = search(
            task,
            workspace.state.tuning / "studies.db",
            study,
            seed=request.seed,
            box=box,
            also=[] if standing == Recipe() else [standing],
            note=told,
        )
        verdict = judge(task, attempts)
        if run:
            run.close(attempts, verdict)
    return Tuning(task, study, attempts, verdict, run.run_id if run else None)


def keep(workspace: Workspace, found: Tuning, request: Request) -> str:
    """Write the settings if they beat the defaults; what is in force now, in words."""
    from ml.tuning.space import tuned_part

    folder, model, recipe = workspace.shop.folder, found.task.model, found.verdict.recipe
    if recipe is not None:
        growth = tuned_part(recipe)
        known = found.task.confirming.date + timedelta(outcome(workspace).known_after_days)
        path = tuned.write_tuned(
            folder, model, growth, as_of=request.as_of, usable_from=known, because=found.verdict.words
        )
        return f"{path} now says {tuned.spoken(growth)}; `regulars run --train` trains with it, and the gate decides"
    if getattr(tuned.load_tuned(folder), model):
        return f"{folder / tuned.FILE} stays as it is; delete its part {model} to go back to the defaults"
    return "the defaults stay"


def _tracked(
    workspace: Workspace, task: Task, study: str, request: Request
) -> AbstractContextManager[TrackedStudy | None]:
    from ml.tuning.tracked import tracked

    if not request.is_tracked:
        return nullcontext()
    asked = {"as_of": request.as_of, "seed": request.seed}
    return tracked(workspace.state.mlflow, f"{workspace.shop.slug}.tuning", study, task, asked)


def _task(workspace: Workspace, inputs: Inputs, model: str) -> Task:
    from ml.tuning.task import TooLittleHistoryError, churn_task, value_task

    engine = reading_engine(workspace)
    try:
        if model == "churn":
            return churn_task(churn.sources(workspace, inputs), churn.training_plan(workspace, inputs), engine)
        return value_task(*value.files(workspace, inputs), value.training_plan(workspace, inputs), engine)
    except TooLittleHistoryError as error:
        raise ShopError(f"{model}: {error}") from error


def _line(task: Task, done: tuple[Attempt, ...]) -> str:
    from ml.tuning.study import best_of

    newest, best = done[-1], best_of(done) or done[-1]
    loss = f"{task.metric} {newest.loss:.5f}"
    if not newest.is_complete:
        loss = f"stopped after {len(newest.losses)} of {len(task.searched)} dates"
    what = "defaults" if newest.number == 0 else ""
    return f"  trial {newest.number:>3}  {loss:<24}  best {best.loss:.5f}  {newest.seconds:>6.1f} s  {what}".rstrip()
