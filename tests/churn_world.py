"""A tiny shop whose customers churn by a known rule, seen at several as-ofs.

Belongs here: the world that the tests of churn share. Does not belong here: assertions.
"""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from ml.booster import Recipe
from ml.churn.model import ChurnModel
from ml.churn.training import Sources, TooLittleData, TrainingPlan, TrainingResult, train
from ml.engine import Engine
from ml.splits import Outcome

OUTCOME = Outcome(horizon_days=30, label_delay_days=5)
AS_OF = date(2024, 12, 1)
NAMES = ("days_since_last_order", "orders_90d", "spend_90d", "noise", "never_known")
PLAN = TrainingPlan(AS_OF, OUTCOME, recipe=Recipe(rounds=40), seed=3)
ENGINE = Engine(threads=1)


def write_world(folder: Path, *, customers: int = 300, snapshots: int = 6, churn: float | None = None) -> Path:
    """P(churn) = expit(recency / 30 - orders), at ``snapshots`` as-ofs whose outcome is known and at the as-of."""
    rng = np.random.default_rng(1)
    newest = AS_OF - timedelta(OUTCOME.known_after_days)
    dates = [newest - timedelta(30 * k) for k in range(snapshots)] + [AS_OF]
    parts = []
    for day in sorted(dates):
        recency, orders = rng.integers(1, 120, customers), rng.poisson(2.0, customers)
        p = 1 / (1 + np.exp(-(recency / 30 - orders))) if churn is None else np.full(customers, churn)
        frame = pd.DataFrame({
            "as_of_date": day, "customer_id": [f"c_{n:05d}" for n in range(customers)],
            "days_since_last_order": recency, "orders_90d": orders.astype(float),
            "spend_90d": np.where(orders, orders * 20.0, np.nan), "noise": rng.normal(size=customers),
            "never_known": np.nan, "has_churned": rng.random(customers) < p, "p": p,
        })  # fmt: skip
        frame["has_churned"] = frame["has_churned"].astype("boolean").mask(np.full(customers, day == AS_OF))
        parts.append(frame)
    world = pd.concat(parts).assign(is_eligible=True, is_profiled=True)
    folder.mkdir(parents=True, exist_ok=True)
    world[["as_of_date", "customer_id", *NAMES]].to_parquet(folder / "features.parquet", index=False)
    label_columns = ["as_of_date", "customer_id", "is_eligible", "has_churned", "is_profiled"]
    world[label_columns].to_parquet(folder / "labels.parquet", index=False)
    return folder


def files(folder: Path, labels: Path | None = None) -> Sources:
    return Sources(folder / "features.parquet", (labels or folder) / "labels.parquet")


def train_in(folder: Path, plan: TrainingPlan = PLAN, **kwargs: object) -> TrainingResult | TooLittleData:
    return train(files(folder), plan, ENGINE, **kwargs)  # type: ignore[arg-type]


def predict(model: ChurnModel, X: np.ndarray) -> np.ndarray:
    return model.predict(X, NAMES, model.level(X, AS_OF))


def newest(folder: Path) -> tuple[np.ndarray, pd.DataFrame]:
    features = pd.read_parquet(folder / "features.parquet").query("as_of_date == @AS_OF")
    return features[list(NAMES)].to_numpy(np.float32), features
