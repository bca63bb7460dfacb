"""The churn model as MLflow serves it: ``mlflow.pyfunc.load_model("models:/demo.churn@champion")``.

Belongs here: the thin cover that MLflow asks for; it loads native files, nothing is pickled. Does not belong here:
the model (``ml.churn.model``). Scoring everybody goes by ``ml.churn.scoring``, which streams.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from ml.churn.model import ChurnModel
from ml.churn.standing import Standing


class ServedChurn(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined]
    """Features in, calibrated probabilities out."""

    def load_context(self, context: Any) -> None:
        folder = Path(context.artifacts["model"])
        self.model, self.standing = ChurnModel.load(folder), Standing.load(folder)

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """``params={"as_of": "2025-07-01"}`` takes the customers given for all of that as-of, and finds the level of
        their scores among them. Without it, and of a few customers, scores stand at the level of the as-of at which the
        model was trained (``ml.churn.standing``). A model of an earlier release, which kept none, finds it among the
        customers given, without an as-of at that of its newest snapshot."""
        X, names = model_input.to_numpy("float32"), [str(name) for name in model_input.columns]
        self.model.check(names)
        as_of = date.fromisoformat(given) if (given := (params or {}).get("as_of")) else None
        if self.standing:
            level = self.standing.level_of(self.model, X, as_of)
        else:
            level = self.model.level(X, as_of or self.model.snapshots[-1])
        return pd.DataFrame({"churn_probability": self.model.predict(X, names, level)})


mlflow.models.set_model(ServedChurn())
