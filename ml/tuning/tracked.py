"""A search in MLflow: a run for the study, and below it one for each trial, there as soon as the trial is done.

Belongs here: what is logged, and how it is called. Does not belong here: the store (``ml.store``), the pictures
(``plots``). A study that goes on, after a kill or on another day, keeps its run.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.store import close_dead_runs, experiment_id, open_store
from ml.tuning.plots import draw
from ml.tuning.study import Attempt, best_of
from ml.tuning.task import Task
from ml.tuning.verdict import Verdict, spoken_dates

if TYPE_CHECKING:
    from mlflow import MlflowClient

STUDY, TRIAL, STATE = "regulars.study", "regulars.trial", "regulars.state"


@contextmanager
def tracked(
    mlflow_folder: Path, experiment: str, name: str, task: Task, parameters: Mapping[str, Any]
) -> Iterator[TrackedStudy]:
    """The run of the study of that name, open as long as the search goes on; an error leaves it failed or killed."""
    client = open_store(mlflow_folder)
    found = experiment_id(client, experiment, mlflow_folder)
    close_dead_runs(client, found)
    run = _run_of(client, found, name)
    if run is None:
        told = {"dates": spoken_dates(task), "date_kept": task.confirming.date, "data_hash": task.data_hash}
        run = _started(client, found, f"{task.model}, study {name}", {STUDY: name})
        _log(client, run, {"model": task.model, "metric": task.metric, **told, **parameters})
    client.update_run(run, status="RUNNING")
    try:
        yield TrackedStudy(client, found, run, task, _logged(client, found, run))
    except Exception:
        client.set_terminated(run, "FAILED")
        raise
    except BaseException:
        client.set_terminated(run, "KILLED")
        raise
    client.set_terminated(run, "FINISHED")


@dataclass(frozen=True)
class TrackedStudy:
    """A study's run while the search goes on."""

    client: MlflowClient
    experiment: str
    run_id: str
    task: Task
    logged: set[str]
    """Numbers of the trials that have their run."""

    def add(self, attempts: tuple[Attempt, ...]) -> None:
        """Log the trials that are not logged yet, and how far the best has come."""
        for count, attempt in enumerate(attempts, 1):
            if str(attempt.number) in self.logged:
                continue
            self._log_attempt(attempt)
            if (best := best_of(attempts[:count])) is not None:
                self.client.log_metric(self.run_id, "loss", best.loss, step=attempt.number)

    def close(self, attempts: tuple[Attempt, ...], verdict: Verdict) -> None:
        """Log the word on the search, its figures and its pictures."""
        self.add(attempts)
        _log(self.client, self.run_id, {}, _summary(attempts, verdict))
        self.client.set_tag(self.run_id, "regulars.verdict", verdict.words)
        for file, figure in draw(self.task, attempts).items():
            self.client.log_figure(self.run_id, figure, f"plots/{file}")

    def _log_attempt(self, attempt: Attempt) -> None:
        from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

        state = "complete" if attempt.is_complete else "pruned"
        tags = {TRIAL: str(attempt.number), STATE: state, MLFLOW_PARENT_RUN_ID: self.run_id}
        run = _started(self.client, self.experiment, f"trial {attempt.number}", tags, seconds=attempt.seconds)
        by_date = {
            f"loss/{origin.date}": loss for origin, loss in zip(self.task.searched, attempt.losses, strict=False)
        }
        whole = {"loss": attempt.loss} if attempt.is_complete else {}
        settings = {**attempt.settings, "rounds": attempt.recipe.rounds}
        _log(self.client, run, settings, {**by_date, **whole, "seconds": attempt.seconds})
        self.client.set_terminated(run)
        self.logged.add(str(attempt.number))


def _summary(attempts: tuple[Attempt, ...], verdict: Verdict) -> dict[str, float]:
    found = {
        "trials": float(len(attempts)),
        "trials_pruned": float(sum(not one.is_complete for one in attempts)),
        "seconds": sum(one.seconds for one in attempts),
    }
    if (best := verdict.best) is not None:
        found |= {"loss_of_defaults": attempts[0].loss, "best_trial": float(best.number)}
        for name, told in (("difference", best.difference), ("confirmed", verdict.confirmed)):
            if told is not None:
                found |= {name: told.value, f"{name}_low": told.low, f"{name}_high": told.high}
    return found


def _started(client: MlflowClient, experiment: str, name: str, tags: dict[str, str], *, seconds: float = 0.0) -> str:
    """A new run that began so many seconds ago."""
    began = int(1000 * (time.time() - seconds))
    return str(client.create_run(experiment, start_time=began, tags=tags, run_name=name).info.run_id)


def _log(
    client: MlflowClient, run: str, parameters: Mapping[str, Any], metrics: Mapping[str, float] | None = None
) -> None:
    from mlflow.entities import Metric, Param

    now = int(1000 * time.time())
    client.log_batch(
        run,
        metrics=[Metric(name, value, now, 0) for name, value in (metrics or {}).items()],
        params=[Param(name, str(value)) for name, value in parameters.items()],
    )


def _run_of(client: MlflowClient, experiment: str, name: str) -> str | None:
    runs = client.search_runs([experiment], f"tags.`{STUDY}` = '{name}'", max_results=1)
    return str(runs[0].info.run_id) if runs else None


def _logged(client: MlflowClient, experiment: str, parent: str) -> set[str]:
    found: set[str] = set()
    token = None
    while True:
        page = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{parent}'", page_token=token)
        found |= {run.data.tags[TRIAL] for run in page if run.info.status == "FINISHED"}
        token = page.token
        if not token:
            return found
