"""Features and labels of a run's as-ofs as files: what every model reads, and no model reads anything else.

Belongs here: where these files are and how they get there. Does not belong here: what stands in them
(``dbt_project/models/features``, and what models of repeat purchase expect: ``ml.btyd.expectations``).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.engine import Engine
from orchestration.files import copy_atomically
from orchestration.inputs import Inputs
from orchestration.workspace import Workspace

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

FILES = {
    "customer_features": """
        from features.customer_features
        left join expected using (as_of_date, repeat_order_days, days_since_first_order, days_since_last_order)
        order by as_of_date, customer_id""",
    "customer_labels": "select * from features.customer_labels order by as_of_date, customer_id",
    "customer_margins": "select * from features.customer_margins order by as_of_date, customer_id",
    "order_histories": "select * from features.order_histories order by all",
    "repeat_order_totals": "select * from features.repeat_order_totals order by all",
    "order_value_seasons": "select * from features.order_value_seasons order by all",
}
"""What is read of the warehouse, in schema ``features``."""


def export_snapshots(workspace: Workspace, inputs: Inputs) -> dict[str, Any]:
    """Copy features and labels of the run's as-ofs out of the warehouse, in a total order."""
    folder = snapshot_folder(workspace, inputs)
    with workspace.warehouse() as warehouse:
        warehouse.register("expected", _expected(warehouse, workspace.shop.churn.horizon_days))
        rows = {name: copy_atomically(warehouse, select, folder / f"{name}.parquet") for name, select in FILES.items()}
        by_date = warehouse.execute(
            "select as_of_date, count(*), avg(has_churned::integer) from features.customer_labels group by 1 order by 1"
        ).fetchall()
    return {
        "dagster/row_count": rows["customer_features"],
        "snapshots": [(day.isoformat(), count, rate) for day, count, rate in by_date],
    }


def _expected(warehouse: duckdb.DuckDBPyConnection, horizon_days: int) -> pa.Table:
    """By as-of and history of orders: what the seasonal models expect of whoever has it."""
    import pyarrow as pa

    from ml.btyd.expectations import COLUMNS, HISTORY, expectations

    schema = pa.schema([("as_of_date", pa.date32()), *((name, pa.float64()) for name in (*HISTORY, *COLUMNS))])

    def of(table: str, day: date) -> pd.DataFrame:
        return warehouse.execute(
            f"select * exclude (as_of_date) from features.{table} where as_of_date = ?", [day]
        ).df()

    days = warehouse.execute("select distinct as_of_date from features.order_histories order by 1").fetchall()
    from ml.parallel import one_blas_thread

    with one_blas_thread():
        parts = [
            expectations(
                of("order_histories", day),
                of("repeat_order_totals", day),
                horizon_days,
                values=of("order_value_seasons", day),
            ).assign(as_of_date=day)
            for (day,) in days
        ]
    tables = [pa.Table.from_pandas(part[schema.names], schema, preserve_index=False) for part in parts]
    return pa.concat_tables([schema.empty_table(), *tables])


def snapshot_folder(workspace: Workspace, inputs: Inputs) -> Path:
    """Where the run's ``customer_features.parquet`` and the files beside it are."""
    return workspace.state.features / inputs.inputs_id


def reading_engine(workspace: Workspace) -> Engine:
    """What a model may use of the machine while it reads snapshots."""
    settings = workspace.settings
    return Engine(settings.threads, settings.memory_limit, workspace.state.temporary)
