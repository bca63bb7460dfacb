"""``regulars reproduce``: a model of the past trained again from the raw batches, and held against what was kept.

Belongs here: from an MLflow run to its inputs, its snapshots and its model once more. Does not belong here: the
stages themselves.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from ml import registry
from orchestration import churn, value
from orchestration.fingerprints import code_hash, shop_hash
from orchestration.inputs import Inputs, kept
from orchestration.rebuilding import rebuilt_snapshots
from orchestration.state import StateError
from orchestration.workspace import Workspace


@dataclass(frozen=True)
class Reproduction:
    """A registered version and what training it again gave."""

    version: registry.Version
    content: str
    """Hash of the files of the second training."""

    @property
    def is_same(self) -> bool:
        """Whether every byte of every file is the same."""
        return self.content == self.version.content


def reproduce(workspace: Workspace, run_id: str) -> Reproduction:
    """Train the model of an MLflow run again, from its pinned inputs on. The caller holds the shop's lock.

    Raises
    ------
    StateError
        The run made no churn or value model of this shop, its inputs are not kept, or code or shop folder are no
        longer what they were.
    """
    found = registry.version_of_run(workspace.state.mlflow, run_id)
    model = found.name.removeprefix(f"{workspace.shop.slug}.") if found else ""
    if found is None or model not in _TRAINED:
        raise StateError(
            f"run {run_id} registered no churn or value model of shop {workspace.shop.slug}: take the id of a run in "
            f"the experiments {workspace.shop.slug}.churn and {workspace.shop.slug}.value"
        )
    inputs = _inputs(workspace, found)
    rebuilt_snapshots(workspace, inputs)
    with tempfile.TemporaryDirectory(dir=workspace.state.temporary) as scratch:
        folder = Path(scratch) / found.folder.name
        _TRAINED[model](workspace, inputs, folder)
        return Reproduction(found, registry.content_hash(folder))


def _inputs(workspace: Workspace, version: registry.Version) -> Inputs:
    """The run's inputs, if what they stand for is still there."""
    inputs_id = version.tags.get("inputs_id", "")
    try:
        inputs = kept(workspace.state, inputs_id)
    except FileNotFoundError as error:
        raise StateError(f"the inputs {inputs_id} of {version.spoken} are not kept: restore a backup") from error
    if inputs.code != code_hash():
        raise StateError(f"{version.spoken} was trained by another release: check out the code of that day first")
    if inputs.shop != shop_hash(workspace.shop):
        raise StateError(f"{workspace.shop.folder} has changed since {version.spoken}: restore it as it was first")
    return inputs


def _save_churn(workspace: Workspace, inputs: Inputs, folder: Path) -> None:
    _saved(churn.train_on(workspace, inputs, churn.training_plan(workspace, inputs)), folder)


def _save_value(workspace: Workspace, inputs: Inputs, folder: Path) -> None:
    _saved(value.train_on(workspace, inputs, value.training_plan(workspace, inputs)), folder)


def _saved(result: object, folder: Path) -> None:
    from ml.churn.training import TrainingResult as Churn
    from ml.value.training import TrainingResult as Value

    if not isinstance(result, Churn | Value):
        raise StateError(f"there is too little data to train on now ({result}): raw batches are missing")
    result.save(folder)


_TRAINED = {"churn": _save_churn, "value": _save_value}
