"""A comparison in MLflow: a run, and below it one for each method.

Belongs here: what is logged, and how it is called. Does not belong here: the store (``ml.tracking``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ml.tracking import experiment_id, open_store, tracking_uri

EXPERIMENT = "recommender evaluation"


def track(
    mlflow_folder: Path, name: str, parameters: Mapping[str, Any], figures: Mapping[str, Any], lines: Sequence[str]
) -> str:
    """Log figures and table; returns the id of the parent run."""
    client = open_store(mlflow_folder)
    experiment = experiment_id(client, EXPERIMENT, mlflow_folder)
    import mlflow

    mlflow.set_tracking_uri(tracking_uri(mlflow_folder))
    with mlflow.start_run(experiment_id=experiment, run_name=name) as run:
        mlflow.log_params({**parameters, "mode": figures["mode"], "generators": " ".join(figures["generators"])})
        mlflow.log_metrics(_numbers(figures))
        mlflow.log_dict(dict(figures), "figures.json")
        mlflow.log_text("\n".join(lines) + "\n", "table.txt")
        for method, own in figures["methods"].items():
            with mlflow.start_run(experiment_id=experiment, run_name=method, nested=True):
                mlflow.log_params(own["settings"])
                mlflow.log_metrics(_numbers(own))
        return str(run.info.run_id)


def _numbers(figures: Mapping[str, Any]) -> dict[str, float]:
    """Means and plain numbers by the names that MLflow takes."""
    found = {}
    for name, value in figures.items():
        number = value.get("value") if isinstance(value, Mapping) else value
        if isinstance(number, int | float) and not isinstance(number, bool):
            found[name.replace("@", "_at_")] = float(number)
    return found
