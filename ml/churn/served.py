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


class ServedChurn(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined]
    """Features in, calibrated probabilities out."""

    def load_context(self, context: Any) -> None:
        self.model = ChurnModel.load(Path(context.artifacts["model"]))

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """The customers given are taken for all of their as-of: the level of their scores is found among them.

        ``params={"as_of": "2025-07-01"}`` names the as-of; without it that of the newest snapshot is assumed.
        """
        newest = self.model.snapshots[-1].isoformat()
        as_of = date.fromisoformat((params or {}).get("as_of") or newest)
        X, names = model_input.to_numpy("float32"), [str(name) for name in model_input.columns]
        self.model.check(names)
        p = self.model.predict(X, names, self.model.level(X, as_of))
        return pd.DataFrame({"churn_probability": p})


mlflow.models.set_model(ServedChurn())
