"""A search in MLflow: a run for the study, and below it one for each trial.

Belongs here: what is logged, and how it is called. Does not belong here: the store (``ml.store``), the pictures
(``plots``). A study that goes on, after a kill or on another day, keeps its run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.store import close_dead_runs, experiment_id, open_store, tracking_uri
from ml.tuning.plots import draw
from ml.tuning.study import Attempt
from ml.tuning.task import Task
from ml.tuning.verdict import Verdict, spoken_dates

if TYPE_CHECKING:
    from mlflow import MlflowClient

STUDY, TRIAL, STATE = "regulars.study", "regulars.trial", "regulars.state"


def track(
    mlflow_folder: Path,
    experiment: str,
    name: str,
    task: Task,
    attempts: tuple[Attempt, ...],
    verdict: Verdict,
    parameters: Mapping[str, Any],
) -> str:
    """Log what is not logged yet of the study of that name; the id of its run."""
    client = open_store(mlflow_folder)
    found = experiment_id(client, experiment, mlflow_folder)
    close_dead_runs(client, found)
    parent = _run_of(client, found, name)
    import mlflow

    mlflow.set_tracking_uri(tracking_uri(mlflow_folder))
    called = f"{task.model}, study {name}"
    with mlflow.start_run(run_id=parent) if parent else mlflow.start_run(experiment_id=found, run_name=called) as run:
        if not parent:
            mlflow.set_tag(STUDY, name)
            told = {"dates": spoken_dates(task), "date_kept": task.confirming.date, "data_hash": task.data_hash}
            mlflow.log_params({"model": task.model, "metric": task.metric, **told, **parameters})
        mlflow.log_metrics(_summary(attempts, verdict))
        mlflow.set_tag("regulars.verdict", verdict.words)
        for file, figure in draw(task, attempts).items():
            mlflow.log_figure(figure, f"plots/{file}")
        logged = _logged(client, found, run.info.run_id)
        for attempt in attempts:
            if str(attempt.number) not in logged:
                _log_attempt(found, task, attempt)
        return str(run.info.run_id)


def _log_attempt(experiment: str, task: Task, attempt: Attempt) -> None:
    import mlflow

    state = "complete" if attempt.is_complete else "pruned"
    tags = {TRIAL: str(attempt.number), STATE: state}
    with mlflow.start_run(experiment_id=experiment, run_name=f"trial {attempt.number}", nested=True, tags=tags):
        mlflow.log_params({**attempt.settings, "rounds": attempt.recipe.rounds})
        by_date = {f"loss/{origin.date}": loss for origin, loss in zip(task.searched, attempt.losses, strict=False)}
        whole = {"loss": attempt.loss} if attempt.is_complete else {}
        mlflow.log_metrics({**by_date, **whole, "seconds": attempt.seconds})


def _summary(attempts: tuple[Attempt, ...], verdict: Verdict) -> dict[str, float]:
    found = {
        "trials": float(len(attempts)),
        "trials_pruned": float(sum(not one.is_complete for one in attempts)),
        "seconds": sum(one.seconds for one in attempts),
    }
    if (best := verdict.best) is not None:
        found |= {"defaults/loss": attempts[0].loss, "loss": best.loss, "best_trial": float(best.number)}
        for name, told in (("difference", best.difference), ("confirmed", verdict.confirmed)):
            if told is not None:
                found |= {name: told.value, f"{name}_low": told.low, f"{name}_high": told.high}
    return found


def _run_of(client: MlflowClient, experiment: str, name: str) -> str | None:
    runs = client.search_runs([experiment], f"tags.`{STUDY}` = '{name}'", max_results=1)
    return str(runs[0].info.run_id) if runs else None


def _logged(client: MlflowClient, experiment: str, parent: str) -> set[str]:
    """Numbers of the trials that have their run."""
    found: set[str] = set()
    token = None
    while True:
        page = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{parent}'", page_token=token)
        found |= {run.data.tags[TRIAL] for run in page if run.info.status == "FINISHED"}
        token = page.token
        if not token:
            return found
