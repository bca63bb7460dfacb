"""A tiny shop whose customers spend by a known rule in a known season, seen at several as-ofs.

Belongs here: the world that the tests of value share. Does not belong here: assertions.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from ml.engine import Engine
from ml.splits import Outcome
from ml.value.training import TooLittleData, TrainingPlan, TrainingResult, train

OUTCOME = Outcome(horizon_days=30, label_delay_days=5)
AS_OF = date(2024, 12, 1)
ENGINE = Engine(threads=1)
NAMES = (
    "days_since_last_order", "days_since_first_order", "orders_30d", "spend_30d", "orders_365d", "spend_365d",
    "order_gap_median_days", "order_gap_mean_days", "order_gap_std_days", "returned_share_365d", "visits",
)  # fmt: skip
LABELS = ("orders_within_horizon", "spend_within_horizon", "net_spend_within_horizon")


def season(day: date) -> float:
    """What the month after a day brings against the average: much in December, little in February."""
    return 1 + 0.6 * float(np.cos((day.timetuple().tm_yday - 350) / 365 * 2 * np.pi))


def write_value_world(
    folder: Path, *, customers: int = 1200, snapshots: int = 15, spends: bool = True, is_expected: bool = False
) -> Path:
    """P(order) rises with visits, which no average knows; what an order is worth is the customer's own.

    A tenth of what is bought comes back. Where orders are expected, of all but every tenth customer, it is by the
    season and half by the visits.
    """
    rng = np.random.default_rng(1)
    worth, visits = rng.gamma(2.0, 20.0, customers) + 5, rng.poisson(2.0, customers)
    newest = AS_OF - timedelta(OUTCOME.known_after_days)
    days = sorted({newest - timedelta(30 * k) for k in range(snapshots)} | {AS_OF})
    parts = [_snapshot(rng, day, worth, visits, spends) for day in days]
    world = pd.concat(parts)
    folder.mkdir(parents=True, exist_ok=True)
    names = list(NAMES)
    if is_expected:
        expected = (0.25 + world["visits"] / 8) * world["as_of_date"].map(season)
        world["btyd_expected_orders"] = expected.where(world["customer_id"].str[-1] != "0")
        world["btyd_expected_order_values"] = world["btyd_expected_orders"]
        world["order_days_365d"] = world["orders_365d"]
        names += ["btyd_expected_orders", "btyd_expected_order_values", "order_days_365d"]
    world[["as_of_date", "customer_id", *names]].to_parquet(folder / "features.parquet", index=False)
    columns = ["as_of_date", "customer_id", "is_eligible", "is_profiled", "status_if_not_eligible", *LABELS]
    world[columns].to_parquet(folder / "labels.parquet", index=False)
    cents = world.loc[world["as_of_date"] == AS_OF, ["as_of_date", "customer_id", "spend_365d"]].iloc[::2]
    spent = (cents["spend_365d"] * 100).round().astype("int64")
    margins = cents[["as_of_date", "customer_id"]].assign(
        known_spend_cents_365d=spent, margin_cents_365d=spent * 2 // 5
    )
    margins[spent > 0].to_parquet(folder / "margins.parquet", index=False)
    return folder


def _snapshot(rng: np.random.Generator, day: date, worth: np.ndarray, visits: np.ndarray, spends: bool) -> pd.DataFrame:
    customers = len(worth)
    year = rng.poisson(0.5 + visits)
    recent = rng.poisson(visits / 4 * season(day - timedelta(30)))
    orders = rng.poisson(visits / 4 * season(day)) if spends else np.zeros(customers)
    gross = orders * worth
    recency = rng.integers(1, 200, customers).astype(float)
    frame = pd.DataFrame({
        "as_of_date": day, "customer_id": [f"c_{n:05d}" for n in range(customers)],
        "days_since_last_order": recency, "days_since_first_order": recency + 200.0,
        "orders_30d": recent.astype(float), "spend_30d": recent * worth, "orders_365d": year.astype(float),
        "spend_365d": year * worth, "order_gap_median_days": np.where(year > 1, 40.0, np.nan),
        "order_gap_mean_days": np.where(year > 1, 50.0, np.nan),
        "order_gap_std_days": np.where(year > 2, 15.0, np.nan), "returned_share_365d": 0.1,
        "visits": visits.astype(float), "is_eligible": True, "is_profiled": True, "status_if_not_eligible": None,
        "orders_within_horizon": orders, "spend_within_horizon": gross, "net_spend_within_horizon": 0.9 * gross,
    })  # fmt: skip
    if day == AS_OF:
        frame[list(LABELS)] = np.nan
    return frame


def train_value(folder: Path, plan: TrainingPlan, **kwargs: object) -> TrainingResult | TooLittleData:
    """Train on the world in a folder."""
    return train(folder / "features.parquet", folder / "labels.parquet", plan, ENGINE, **kwargs)  # type: ignore[arg-type]
