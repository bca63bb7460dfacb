"""The value model as MLflow serves it: ``mlflow.pyfunc.load_model("models:/demo.value@champion")``.

Belongs here: the thin cover that MLflow asks for; it loads native files, nothing is pickled. Does not belong here: the
model (``ml.value.model``). Scoring everybody goes by ``ml.value.scoring``, which streams.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from ml.value.model import Prediction, ValueModel


class ServedValue(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined]
    """Features in, expected orders and net spend out."""

    def load_context(self, context: Any) -> None:
        self.model = ValueModel.load(Path(context.artifacts["model"]))

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """``params={"as_of": "2025-07-01"}`` brings the season, which acts on the sum of the given customers: give
        them all. Without it everything stands at the level of the average snapshot, also for a single customer, and
        the interval, which hangs on that level, is NaN."""
        names, X = [str(name) for name in model_input.columns], model_input.to_numpy("float32")
        as_of = (params or {}).get("as_of")
        parts = self.model.parts(X, names)
        if as_of:
            whole = self.model.levelled(parts, date.fromisoformat(as_of))
        else:
            nothing = np.full(len(X), np.nan)
            whole = Prediction(parts.spend, parts.orders, nothing, nothing)
        return pd.DataFrame({
            "expected_orders": whole.orders, "predicted_clv": whole.spend,
            "predicted_clv_low": whole.low, "predicted_clv_high": whole.high,
        })  # fmt: skip


mlflow.models.set_model(ServedValue())
