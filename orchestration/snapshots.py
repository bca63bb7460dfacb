"""Features and labels of a run's as-ofs as files: what every model reads, and no model reads anything else.

Belongs here: where these files are and how they get there. Does not belong here: what stands in them
(``dbt_project/models/features``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ml.engine import Engine
from orchestration.files import copy_atomically
from orchestration.inputs import Inputs
from orchestration.workspace import Workspace


def export_snapshots(workspace: Workspace, inputs: Inputs) -> dict[str, Any]:
    """Copy features and labels of the run's as-ofs out of the warehouse, in a total order."""
    rows = {}
    with workspace.warehouse() as warehouse:
        for table in ("customer_features", "customer_labels", "customer_margins"):
            select = f"select * from features.{table} order by as_of_date, customer_id"
            rows[table] = copy_atomically(warehouse, select, snapshot_folder(workspace, inputs) / f"{table}.parquet")
        by_date = warehouse.execute(
            "select as_of_date, count(*), avg(has_churned::integer) from features.customer_labels group by 1 order by 1"
        ).fetchall()
    return {
        "dagster/row_count": rows["customer_features"],
        "snapshots": [(day.isoformat(), count, rate) for day, count, rate in by_date],
    }


def snapshot_folder(workspace: Workspace, inputs: Inputs) -> Path:
    """Where the run's ``customer_features.parquet`` and the files beside it are."""
    return workspace.state.features / inputs.inputs_id


def reading_engine(workspace: Workspace) -> Engine:
    """What a model may use of the machine while it reads snapshots."""
    settings = workspace.settings
    return Engine(settings.threads, settings.memory_limit, workspace.state.temporary)
