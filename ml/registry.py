"""Models as registered versions, and the alias ``champion`` that only the gate moves.

Belongs here: versions and which of them serves. Does not belong here: the store and its runs (``ml.store``,
``ml.tracking``), what a model is (each says so in a ``Record``), whether it may serve (``ml.promotion``).

Safe against a kill at any moment: the alias moves last, a version that is already there for the same training is
taken up again instead of doubled, runs that died are closed as killed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.overview import MOST, Row, overview
from ml.store import close_dead_runs, experiment_id, open_store, or_none
from ml.tracking import Record, log_training

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

    from ml.promotion import Decision

__all__ = ["Record", "Version", "champion", "content_hash", "register", "version"]

CHAMPION = "champion"
MODEL_PATH_TAG, TRAINING_TAG, CONTENT_TAG = "regulars.model_path", "regulars.training", "regulars.content"
GATE_TAG, PAGE_TAG = "regulars.gate", "mlflow.note.content"


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
    tags: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """What the training said of itself: inputs, code, gate."""

    @property
    def spoken(self) -> str:
        """As published beside each score: ``demo.churn/3``."""
        return f"{self.name}/{self.number}"


def champion(mlflow_folder: Path, shop: str, model: str = "churn") -> Version | None:
    """The version that serves; None before the first promotion. Starts no store and imports nothing without one."""
    if not (mlflow_folder / "mlflow.db").exists():
        return None
    client = open_store(mlflow_folder)
    found = or_none(client.get_model_version_by_alias, f"{shop}.{model}", CHAMPION)
    return _version(found, mlflow_folder) if found else None


def version(mlflow_folder: Path, spoken: str) -> Version:
    """A registered version by its published name, ``demo.churn/3``."""
    name, _, number = spoken.rpartition("/")
    return _version(open_store(mlflow_folder).get_model_version(name, number), mlflow_folder)


def version_or_none(mlflow_folder: Path, spoken: str) -> Version | None:
    """The same, None where it has been deleted since."""
    name, _, number = spoken.rpartition("/")
    found = or_none(open_store(mlflow_folder).get_model_version, name, number)
    return _version(found, mlflow_folder) if found else None


def version_of_run(mlflow_folder: Path, run_id: str) -> Version | None:
    """The version that a run registered; None if it registered none, or there is no such run."""
    found = open_store(mlflow_folder).search_model_versions(f"run_id = '{run_id}'")
    return _version(found[0], mlflow_folder) if found else None


def foretold(mlflow_folder: Path, found: Version) -> Mapping[str, Any]:
    """What is known of the outcome that a version foretells: as kept with the model, else its horizon, by its run."""
    with suppress(FileNotFoundError, json.JSONDecodeError):  # whoever loads the model says so
        content = json.loads((found.folder / "model.json").read_text(encoding="utf-8"))
        if kept := content.get("outcome"):
            return dict(kept)
    run = or_none(open_store(mlflow_folder).get_run, found.run_id)
    horizon = run.data.params.get("horizon_days") if run else None
    return {"horizon_days": int(horizon)} if horizon else {}


def register(
    mlflow_folder: Path, shop: str, record: Record, decision: Decision, *, began: float | None = None
) -> Version:
    """Log the training, register its model, and make it champion if the gate let it pass.

    ``began`` is when the training did, in seconds since 1970; else now.
    """
    client, name = open_store(mlflow_folder), f"{shop}.{record.model}"
    experiment = experiment_id(client, name, mlflow_folder)
    close_dead_runs(client, experiment)
    key = _training_key(record)
    found = _existing(client, name, key)
    if found is None:
        run_id, location = log_training(mlflow_folder, experiment, record, decision.words, began=began)
        path = location.relative_to(mlflow_folder.resolve()).as_posix()
        tags = {MODEL_PATH_TAG: path, TRAINING_TAG: key, CONTENT_TAG: content_hash(record.folder), **record.tags}
        found = _create_version(client, name, location, run_id, tags)
        client.update_model_version(name, found.version, description=record.card(decision.words))
    client.set_model_version_tag(name, found.version, GATE_TAG, decision.words)
    if decision.is_promoted:
        client.set_registered_model_alias(name, CHAMPION, found.version)
    client.set_experiment_tag(experiment, PAGE_TAG, overview(record.model, _rows(client, name)))
    return _version(found, mlflow_folder)


def _rows(client: MlflowClient, name: str) -> list[Row]:
    """The newest versions with what their runs measured; a run that somebody has deleted has measured nothing."""
    serving = or_none(client.get_model_version_by_alias, name, CHAMPION)
    versions = sorted(client.search_model_versions(f"name = '{name}'"), key=lambda found: -int(found.version))
    shown = versions[:MOST] + [old for old in versions[MOST:] if serving and old.version == serving.version]
    runs = {found.run_id: or_none(client.get_run, str(found.run_id)) for found in shown}
    return [
        Row(
            number=int(found.version),
            as_of=str(run.data.params.get("as_of", "")) if (run := runs[found.run_id]) else "",
            gate=found.tags.get(GATE_TAG, ""),
            metrics=run.data.metrics if run else {},
            is_champion=bool(serving and found.version == serving.version),
        )
        for found in shown
    ]


def content_hash(folder: Path) -> str:
    """Hash of a folder's files by name and bytes."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _training_key(record: Record) -> str:
    parts = [record.data_hash, content_hash(record.folder), *(f"{k}={v}" for k, v in sorted(record.parameters.items()))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _existing(client: MlflowClient, name: str, key: str) -> ModelVersion | None:
    versions = client.search_model_versions(f"name = '{name}'")
    same = [version for version in versions if version.tags.get(TRAINING_TAG) == key]
    return min(same, key=lambda version: int(version.version), default=None)


def _create_version(client: MlflowClient, name: str, location: Path, run_id: str, tags: dict[str, str]) -> ModelVersion:
    if or_none(client.get_registered_model, name) is None:
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
        tags=dict(found.tags),
    )
