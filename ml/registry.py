"""Trainings as MLflow runs, models as registered versions, and the alias ``champion`` that only the gate moves.

Belongs here: everything that knows MLflow. Does not belong here: what a model is (each says so in a ``Record``) and
whether it may serve (``ml.promotion``).

Safe against a kill at any moment: the alias moves last, a version that is already there for the same training is
taken up again instead of doubled, runs that died are closed as killed. MLflow is imported when first needed; it
costs seconds.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

    from ml.promotion import Decision

CHAMPION = "champion"
MODEL_PATH_TAG, TRAINING_TAG, CONTENT_TAG = "regulars.model_path", "regulars.training", "regulars.content"

SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}


@dataclass(frozen=True)
class Record:
    """What one training leaves behind. Nothing in it may name a customer."""

    model: str
    """Such as ``churn``; the registered model is called ``<shop>.<model>``."""
    folder: Path
    """The model's own files, in native formats."""
    code: Path
    """A models-from-code script that serves the folder (``mlflow.models.set_model``)."""
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    dataset: Mapping[str, Any]
    """Profile of the training data: rows, snapshots, and so on."""
    data_hash: str
    features: tuple[str, ...]
    tags: Mapping[str, str] = field(default_factory=dict)
    """Where it comes from: commit, lock hash, as-of."""
    figures: Mapping[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True)
class Version:
    """A registered version."""

    name: str
    """``<shop>.<model>``."""
    number: int
    folder: Path
    """The model's own files."""
    content: str
    """Hash of these files: the same whenever the same was learned."""
    run_id: str

    @property
    def spoken(self) -> str:
        """As published beside each score: ``demo.churn/3``."""
        return f"{self.name}/{self.number}"


def tracking_uri(mlflow_folder: Path) -> str:
    """SQLAlchemy address of the store (``data/mlflow/mlflow.db``)."""
    return f"sqlite:///{(mlflow_folder / 'mlflow.db').resolve()}"


def champion(mlflow_folder: Path, shop: str, model: str = "churn") -> Version | None:
    """The version that serves; None before the first promotion. Starts no store and imports nothing without one."""
    if not (mlflow_folder / "mlflow.db").exists():
        return None
    client = _client(mlflow_folder)
    found = _or_none(client.get_model_version_by_alias, f"{shop}.{model}", CHAMPION)
    return _version(found, mlflow_folder) if found else None


def version(mlflow_folder: Path, spoken: str) -> Version:
    """A registered version by its published name, ``demo.churn/3``."""
    name, _, number = spoken.rpartition("/")
    return _version(_client(mlflow_folder).get_model_version(name, number), mlflow_folder)


def register(mlflow_folder: Path, shop: str, record: Record, decision: Decision) -> Version:
    """Log the training, register its model, and make it champion if the gate let it pass."""
    import mlflow

    client, name = _client(mlflow_folder), f"{shop}.{record.model}"
    experiment = _experiment(client, name, mlflow_folder)
    _close_dead_runs(client, experiment)
    key = _training_key(record)
    found = _existing(client, name, key)
    if found is None:
        mlflow.set_tracking_uri(tracking_uri(mlflow_folder))
        with mlflow.start_run(experiment_id=experiment, run_name=_run_name(record), tags=dict(record.tags)) as run:
            _log(record, decision)
            location = _log_model(record)
        path = location.relative_to(mlflow_folder.resolve()).as_posix()
        tags = {MODEL_PATH_TAG: path, TRAINING_TAG: key, CONTENT_TAG: content_hash(record.folder), **record.tags}
        found = _create_version(client, name, location, run.info.run_id, tags)
    client.set_model_version_tag(name, found.version, "regulars.gate", decision.words)
    if decision.is_promoted:
        client.set_registered_model_alias(name, CHAMPION, found.version)
    return _version(found, mlflow_folder)


def content_hash(folder: Path) -> str:
    """Hash of a folder's files by name and bytes."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def initialise(mlflow_folder: Path) -> None:
    """Create the store once. Several processes that open a fresh sqlite store at once would brick it for good."""
    mlflow_folder.mkdir(parents=True, exist_ok=True)
    with (mlflow_folder / "initialise.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = mlflow_folder / "initialised"
        if done.exists() and (mlflow_folder / "mlflow.db").exists():
            return
        _bare_client(mlflow_folder).search_experiments(max_results=1)
        done.touch()


def _client(mlflow_folder: Path) -> MlflowClient:
    initialise(mlflow_folder)
    return _bare_client(mlflow_folder)


def _bare_client(mlflow_folder: Path) -> MlflowClient:
    os.environ.update(SETTINGS)
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=tracking_uri(mlflow_folder))


def _or_none(get: Callable[..., Any], *arguments: str) -> Any:
    """What is asked for, or None where it does not exist; any other failure is raised."""
    from mlflow.exceptions import MlflowException

    try:
        return get(*arguments)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST" or "not found" in str(error):
            return None
        raise


def _experiment(client: MlflowClient, name: str, mlflow_folder: Path) -> str:
    known = client.get_experiment_by_name(name)
    if known:
        return str(known.experiment_id)
    location = (mlflow_folder / "artifacts" / name).resolve()
    return str(client.create_experiment(name, artifact_location=location.as_uri()))


def _close_dead_runs(client: MlflowClient, experiment: str) -> None:
    """A training holds the shop's lock, so a run that still runs belongs to one that was killed."""
    for run in client.search_runs([experiment], "attributes.status = 'RUNNING'"):
        client.set_terminated(run.info.run_id, "KILLED")


def _training_key(record: Record) -> str:
    parts = [record.data_hash, content_hash(record.folder), *(f"{k}={v}" for k, v in sorted(record.parameters.items()))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _existing(client: MlflowClient, name: str, key: str) -> ModelVersion | None:
    versions = client.search_model_versions(f"name = '{name}'")
    same = [version for version in versions if version.tags.get(TRAINING_TAG) == key]
    return min(same, key=lambda version: int(version.version), default=None)


def _run_name(record: Record) -> str:
    return f"{record.model} as of {record.parameters.get('as_of', 'unknown')}"


def _log(record: Record, decision: Decision) -> None:
    import mlflow
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.meta_dataset import MetaDataset

    mlflow.log_params(dict(record.parameters))
    mlflow.log_metrics({name: value for name, value in record.metrics.items() if value == value})
    source = CodeDatasetSource(tags={"regulars.data": "features.customer_features, features.customer_labels"})
    data = MetaDataset(source, name=f"{record.model}_snapshots", digest=record.data_hash[:32])  # type: ignore[abstract]
    mlflow.log_input(data, context="training")
    mlflow.log_dict({"data_hash": record.data_hash, **record.dataset}, "dataset.json")
    mlflow.log_text(decision.words + "\n", "gate.txt")
    mlflow.set_tags({"regulars.data_hash": record.data_hash, "regulars.is_promoted": str(decision.is_promoted).lower()})
    for name, figure in record.figures.items():
        mlflow.log_figure(figure, f"plots/{name}")


def _log_model(record: Record) -> Path:
    """Log files and serving code; returns the folder of the model's own files within the store."""
    import mlflow
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

    signature = ModelSignature(
        inputs=Schema([ColSpec(DataType.double, name, required=False) for name in record.features]),
        params=ParamSchema([ParamSpec("as_of", DataType.string, "")]),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it asks for an input example, which would be a customer's row
        info = mlflow.pyfunc.log_model(
            name=record.model,
            python_model=str(record.code),
            artifacts={"model": str(record.folder)},
            signature=signature,
            pip_requirements=["lightgbm", "numpy", "pandas"],
        )
    root = Path(mlflow.artifacts.download_artifacts(info.model_uri))
    return root.resolve() / "artifacts" / record.folder.name


def _create_version(client: MlflowClient, name: str, location: Path, run_id: str, tags: dict[str, str]) -> ModelVersion:
    if _or_none(client.get_registered_model, name) is None:
        client.create_registered_model(name)
    source = location.parent.parent
    return client.create_model_version(name, source.as_uri(), run_id=run_id, tags=tags)


def _version(found: ModelVersion, mlflow_folder: Path) -> Version:
    return Version(
        name=found.name,
        number=int(found.version),
        folder=mlflow_folder.resolve() / found.tags[MODEL_PATH_TAG],
        content=found.tags[CONTENT_TAG],
        run_id=str(found.run_id),
    )
