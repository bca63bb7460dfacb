"""Snapshots outside a run: of any dates, from what has landed, to judge models on and to train again what was trained.

Belongs here: the stages from raw batches to exported snapshots in one call. Does not belong here: the stages
themselves, which the Dagster graph runs one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from orchestration.identity import resolve_persons
from orchestration.inputs import Inputs
from orchestration.resources.dbt import IDENTITY_MODELS, run_models
from orchestration.snapshots import FILES, export_snapshots, snapshot_folder
from orchestration.workspace import Workspace


def snapshots(workspace: Workspace, inputs: Inputs) -> Path:
    """The folder of the snapshots of these inputs, made if they are not there. The caller holds the shop's lock."""
    folder = snapshot_folder(workspace, inputs)
    is_whole = all((folder / f"{name}.parquet").exists() for name in FILES)
    return folder if is_whole else rebuilt_snapshots(workspace, inputs)


def rebuilt_snapshots(workspace: Workspace, inputs: Inputs, *, also: Sequence[str] = ()) -> Path:
    """Make them in any case, and the models ``also`` beside them; the next run makes the warehouse its own again."""
    run_models(workspace, inputs, "staging", *IDENTITY_MODELS)
    resolve_persons(workspace, inputs)
    run_models(workspace, inputs, "intermediate", "marts", "features", *also)
    export_snapshots(workspace, inputs)
    return snapshot_folder(workspace, inputs)
