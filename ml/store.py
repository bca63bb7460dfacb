"""The MLflow store: where it is and how it comes to be.

Belongs here: its address, clients, experiments. Does not belong here: what is written into it (``ml.tracking``),
versions and the alias that serves (``ml.registry``). MLflow is imported when first needed; it costs seconds.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATABASE = "mlflow.db"
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}


def tracking_uri(mlflow_folder: Path) -> str:
    """SQLAlchemy address of the store (``data/mlflow/mlflow.db``)."""
    return _uri(mlflow_folder / DATABASE)


def initialise(mlflow_folder: Path) -> None:
    """Create the store once, under another name until it is whole.

    MLflow makes its tables one by one: several processes at once, or a killed one, would brick a fresh store for good.
    """
    mlflow_folder.mkdir(parents=True, exist_ok=True)
    store, draft = mlflow_folder / DATABASE, mlflow_folder / f".{DATABASE}.{uuid4().hex}"
    with (mlflow_folder / "initialise.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if store.exists():
            return
        for left in mlflow_folder.glob(f".{DATABASE}.*"):
            left.unlink()
        _client_of(draft).search_experiments(max_results=1)
        draft.replace(store)


def open_store(mlflow_folder: Path) -> MlflowClient:
    """A client of the store, which is made where there is none."""
    initialise(mlflow_folder)
    return _client_of(mlflow_folder / DATABASE)


def or_none(get: Callable[..., Any], *arguments: str) -> Any:
    """What is asked for, or None where it does not exist; any other failure is raised."""
    from mlflow.exceptions import MlflowException

    try:
        return get(*arguments)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST" or "not found" in str(error):
            return None
        raise


def experiment_id(client: MlflowClient, name: str, mlflow_folder: Path) -> str:
    """The experiment of that name, made where there is none; artifacts go below the store's folder."""
    known = client.get_experiment_by_name(name)
    if known:
        return str(known.experiment_id)
    location = (mlflow_folder / "artifacts" / name).resolve()
    kind = {"mlflow.experimentKind": "custom_model_development"}  # else the page opens as if prompts were traced here
    return str(client.create_experiment(name, artifact_location=location.as_uri(), tags=kind))


def close_dead_runs(client: MlflowClient, experiment: str) -> None:
    """A training holds the shop's lock, so a run that still runs belongs to one that was killed."""
    for run in client.search_runs([experiment], "attributes.status = 'RUNNING'"):
        client.set_terminated(run.info.run_id, "KILLED")


def _client_of(database: Path) -> MlflowClient:
    os.environ.update(SETTINGS)
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=_uri(database))


def _uri(database: Path) -> str:
    return f"sqlite:///{database.resolve()}"
