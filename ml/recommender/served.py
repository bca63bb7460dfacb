"""The recommender as MLflow serves it: how candidates of one customer are weighed by the first order.

Belongs here: the thin cover that MLflow asks for; it loads JSON files and trees as text, nothing is pickled. Does not
belong here: the candidates, which are counted from interactions at each as-of; lists for everybody, which go by
``ml.recommender.recommend`` and there put what is new to a customer into an order of its own (``new_items``), by ranks
among the new that no row of candidates holds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from ml.recommender.model import RecommenderModel


class ServedRecommender(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined]
    """Features of candidates in, their score out: by the ranker, or by the blend of shares where there is none."""

    def load_context(self, context: Any) -> None:
        self.model = RecommenderModel.load(Path(context.artifacts["model"]))

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ARG002
        if self.model.ranker:
            features = model_input[self.model.ranker.features].to_numpy("float32")
            return pd.DataFrame({"score": self.model.ranker.margin(features)})
        own = self.model.blend.group_weights(model_input["purchases"].to_numpy("int64"))
        shares = model_input[list(self.model.generators)].fillna(0).to_numpy("float64")
        return pd.DataFrame({"score": (own * shares).sum(axis=1)})


mlflow.models.set_model(ServedRecommender())
