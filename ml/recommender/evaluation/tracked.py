"""A comparison in MLflow: a run, and below it one for each method.

Belongs here: what is logged, and how it is called. Does not belong here: the store (``ml.store``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ml.tracking import Part, log_comparison

EXPERIMENT = "recommender evaluation"


def track(
    mlflow_folder: Path, name: str, parameters: Mapping[str, Any], figures: Mapping[str, Any], lines: Sequence[str]
) -> str:
    """Log figures and table; returns the id of the parent run."""
    settings = {**parameters, "mode": figures["mode"], "generators": " ".join(figures["generators"])}
    return log_comparison(
        mlflow_folder,
        EXPERIMENT,
        name,
        Part(settings, _numbers(figures)),
        {method: Part(own["settings"], _numbers(own)) for method, own in figures["methods"].items()},
        text="\n".join(lines),
        content=figures,
    )


def _numbers(figures: Mapping[str, Any]) -> dict[str, float]:
    """Means and plain numbers by the names that MLflow takes."""
    found = {}
    for name, value in figures.items():
        number = value.get("value") if isinstance(value, Mapping) else value
        if isinstance(number, int | float) and not isinstance(number, bool):
            found[name.replace("@", "_at_")] = float(number)
    return found
