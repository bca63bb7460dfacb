"""How a training or a comparison is written into MLflow.

Belongs here: runs, their parameters, metrics, pictures and files. Does not belong here: the store (``ml.store``),
versions and the alias that serves (``ml.registry``).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ml.card import card
from ml.figures import pngs
from ml.store import experiment_id, open_store, or_none, tracking_uri

if TYPE_CHECKING:
    from matplotlib.figure import Figure


SERVED_BY = ("lightgbm", "numba", "numpy", "pandas", "pyarrow", "scipy")
"""What a served model needs beside this package, whose files are logged with it: it loads on a machine without them."""


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
    outputs: tuple[str, ...]
    """Columns that the served model gives, all of them numbers."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Where it comes from: commit, lock hash, as-of."""
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    """PNG files by name."""
    parts: Mapping[str, Part] = field(default_factory=dict)
    """By name: each a nested run."""

    def card(self, gate: str) -> str:
        """The model card, given the gate's word."""
        return card(self.model, self.parameters, self.metrics, self.dataset, self.tags, gate)


@dataclass(frozen=True)
class Part:
    """One of the pieces that a training is made of."""

    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]


def log_training(
    mlflow_folder: Path, experiment: str, record: Record, gate: str, *, began: float | None = None
) -> tuple[str, Path]:
    """Write one run with everything in it; its id, and the folder of the model's own files within the store.

    ``began`` is when the training did, in seconds since 1970, so that the run lasts as long as it took; else now.
    """
    client = open_store(mlflow_folder)
    import mlflow
    from mlflow.tracking.context.registry import resolve_tags

    mlflow.set_tracking_uri(tracking_uri(mlflow_folder))
    start = None if began is None else int(1000 * began)
    made = client.create_run(experiment, start, resolve_tags(dict(record.tags)), _run_name(record))
    with mlflow.start_run(made.info.run_id, description=record.card(gate)) as run:
        _log(record, gate)
        _log_parts(experiment, record.parts)
        return str(run.info.run_id), _log_model(record)


def log_comparison(
    mlflow_folder: Path,
    experiment: str,
    name: str,
    whole: Part,
    parts: Mapping[str, Part],
    *,
    figures: Mapping[str, Figure] | None = None,
    text: str = "",
    content: Mapping[str, Any] | None = None,
) -> str:
    """Write one run and below it one for each of those compared; the id of the first.

    ``text`` is kept as ``table.txt``, ``content`` as ``figures.json``.
    """
    client = open_store(mlflow_folder)
    found = experiment_id(client, experiment, mlflow_folder)
    import mlflow

    mlflow.set_tracking_uri(tracking_uri(mlflow_folder))
    with mlflow.start_run(experiment_id=found, run_name=name, description=f"```\n{text}\n```" if text else None) as run:
        mlflow.log_params(dict(whole.parameters))
        mlflow.log_metrics(_told(whole.metrics))
        mlflow.log_text(text + "\n", "table.txt")
        if content is not None:
            mlflow.log_dict(dict(content), "figures.json")
        _log_pictures(pngs(figures or {}))
        _log_parts(found, parts)
        return str(run.info.run_id)


def _log_parts(experiment: str, parts: Mapping[str, Part]) -> None:
    import mlflow

    for name, part in parts.items():
        with mlflow.start_run(experiment_id=experiment, run_name=name, nested=True):
            mlflow.log_params(dict(part.parameters))
            mlflow.log_metrics(_told(part.metrics))


def log_follow_up(mlflow_folder: Path, run_id: str, figures: Mapping[str, float], *, day: date, age_days: int) -> None:
    """Add figures of a later as-of to the run that trained a model: curves over its age, by wall time over as-ofs.

    The same figures again change nothing; NaN is left out. A run that somebody has deleted is left as it is.
    """
    client = open_store(mlflow_folder)
    from mlflow.entities import LifecycleStage, Metric

    run = or_none(client.get_run, run_id)
    if run is None or run.info.lifecycle_stage == LifecycleStage.DELETED:
        return

    at = int(datetime.combine(day, time(), UTC).timestamp() * 1000)
    told = {name: float(value) for name, value in figures.items() if value == value}
    client.log_batch(run_id, metrics=[Metric(name, value, at, age_days) for name, value in told.items()])


def _run_name(record: Record) -> str:
    return f"{record.model} as of {record.parameters.get('as_of', 'unknown')}"


def _told(metrics: Mapping[str, float]) -> dict[str, float]:
    """Without what is no number."""
    return {name: float(value) for name, value in metrics.items() if value == value}


def _log(record: Record, gate: str) -> None:
    import mlflow
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.meta_dataset import MetaDataset

    mlflow.log_params(dict(record.parameters))
    mlflow.log_metrics(_told(record.metrics))
    source = CodeDatasetSource(tags={"regulars.data": "features.customer_features, features.customer_labels"})
    data = MetaDataset(source, name=f"{record.model}_snapshots", digest=record.data_hash[:32])  # type: ignore[abstract]
    mlflow.log_input(data, context="training")
    mlflow.log_dict({"data_hash": record.data_hash, **record.dataset}, "dataset.json")
    mlflow.log_text(gate + "\n", "gate.txt")
    mlflow.log_text(record.card(gate), "model_card.md")
    mlflow.set_tag("regulars.data_hash", record.data_hash)
    _log_pictures(record.pictures)


def _log_pictures(pictures: Mapping[str, bytes]) -> None:
    import mlflow

    with TemporaryDirectory() as folder:
        for name, picture in pictures.items():
            (Path(folder) / name).write_bytes(picture)
        mlflow.log_artifacts(folder, "plots")


def _log_model(record: Record) -> Path:
    """Log files and serving code; returns the folder of the model's own files within the store."""
    import mlflow
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

    signature = ModelSignature(
        inputs=Schema([ColSpec(DataType.double, name, required=False) for name in record.features]),
        outputs=Schema([ColSpec(DataType.double, name) for name in record.outputs]),
        params=ParamSchema([ParamSpec("as_of", DataType.string, "")]),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it asks for an input example, which would be a customer's row
        info = mlflow.pyfunc.log_model(
            name=record.model,
            python_model=str(record.code),
            artifacts={"model": str(record.folder)},
            signature=signature,
            code_paths=[str(Path(__file__).parent)],
            pip_requirements=[f"{name}=={version(name)}" for name in SERVED_BY],
        )
    root = Path(mlflow.artifacts.download_artifacts(info.model_uri))
    return root.resolve() / "artifacts" / record.folder.name
