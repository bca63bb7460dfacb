"""Contracts by the month and by the year that end at renewals with a known chance, seen at several as-ofs.

Belongs here: the world that tests of ``ml.survival`` share. Does not belong here: assertions.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from ml.engine import Engine
from ml.evaluation import Floats
from ml.snapshots import Snapshots, day_number
from ml.splits import Outcome, customer_hash
from ml.survival.periods import PERIOD_DAYS, TARGETS

OUTCOME = Outcome(horizon_days=60, label_delay_days=5)
AS_OF = date(2025, 1, 1)
ENGINE = Engine(threads=1)
SNAPSHOTS = 16
NAMES = (
    "subscriptions_running",
    "contract_age_days",
    "days_to_renewal",
    "contract_period_days",
    "usage_share",
    "noise",
)


def chance(usage: Floats, period: Floats) -> Floats:
    """That a contract ends at a renewal: who uses it little leaves sooner, a year's is thought over harder."""
    return np.where(period > 30, 0.15 + 0.45 * (1 - usage), 0.02 + 0.16 * (1 - usage))


def contracts(customers: int, seed: int) -> pd.DataFrame:
    """Usage, period, first day and last, in days from the as-of on."""
    rng = np.random.default_rng(seed)
    usage, period = rng.random(customers), rng.choice([30.0, 365.0], customers, p=[0.7, 0.3])
    start = -rng.integers(5, 900, customers)
    ends = start + period * rng.geometric(chance(usage, period))
    return pd.DataFrame(
        {"usage": usage, "period": period, "start": start, "ends": ends, "noise": rng.random(customers)}
    )


def seen(lives: pd.DataFrame, day: int) -> pd.DataFrame:
    """Features and course of the contracts that run on a day, as known at the as-of."""
    own = lives[(lives["start"] < day) & (lives["ends"] >= day)]
    age = (day - own["start"]).to_numpy(float)
    renewal = -age % own["period"].to_numpy()
    known = (-OUTCOME.label_delay_days - day) // PERIOD_DAYS
    in_period = np.floor((own["ends"].to_numpy() - day) / PERIOD_DAYS) + 1
    return pd.DataFrame({
        "customer_id": [f"c_{n:06d}" for n in own.index], "subscriptions_running": 1.0, "contract_age_days": age,
        "days_to_renewal": renewal, "contract_period_days": own["period"].to_numpy(),
        "usage_share": own["usage"].to_numpy(), "noise": own["noise"].to_numpy(),
        "has_churned": own["ends"].to_numpy() < day + OUTCOME.horizon_days,
        "contract_periods_watched": np.minimum(in_period, known), "has_contract_ended": in_period <= known,
        "is_eligible": renewal < OUTCOME.horizon_days,
    })  # fmt: skip


def days() -> list[int]:
    """As-ofs with a known outcome, in days from the as-of on."""
    return [-OUTCOME.known_after_days - 30 * k for k in range(SNAPSHOTS)][::-1]


def watched(customers: int = 3000, seed: int = 1) -> Snapshots:
    """Labelled snapshots with the targets of lifetimes."""
    lives, parts = contracts(customers, seed), []
    for day in days():
        frame = seen(lives, day).query("is_eligible")
        parts.append(frame.assign(day=day_number(AS_OF) + day))
    rows = pd.concat(parts, ignore_index=True)
    return Snapshots(
        names=NAMES,
        targets=TARGETS,
        X=rows[list(NAMES)].to_numpy(np.float32),
        Y=rows[list(TARGETS)].to_numpy(float),
        day=rows["day"].to_numpy(np.int32),
        hashed=rows["customer_id"].map(customer_hash).to_numpy(np.int64),
    )


def scored(customers: int = 3000, seed: int = 1) -> np.ndarray:
    """Features of everybody at the as-of, whether or not the contract can end within the horizon."""
    return seen(contracts(customers, seed), 0)[list(NAMES)].to_numpy(np.float32)


def true_days(X: np.ndarray, cap: int) -> Floats:
    """Expected days within the cap, by the law itself."""
    renewal, period, usage = (X[:, NAMES.index(n)].astype(float) for n in NAMES[2:5])
    stays, total, before, at = 1 - chance(usage, period), np.zeros(len(X)), np.zeros(len(X)), renewal.copy()
    still = np.ones(len(X))
    while (before < cap).any():
        total += still * np.maximum(np.minimum(at, cap) - before, 0)
        before, at, still = np.minimum(at, cap), at + period, still * stays
    return total


def write_world(folder: Path, customers: int = 1500) -> tuple[Path, Path]:
    """Features and labels as the warehouse exports them, the as-of's own without an outcome."""
    lives, parts = contracts(customers, 1), []
    for day in [*days(), 0]:
        frame = seen(lives, day)
        frame = frame if day == 0 else frame.query("is_eligible")
        parts.append(frame.assign(as_of_date=AS_OF + timedelta(day), is_profiled=True, status_if_not_eligible=None))
    rows = pd.concat(parts, ignore_index=True)
    now = rows["as_of_date"] == AS_OF
    for name, kind in (("has_churned", "boolean"), ("has_contract_ended", "boolean"), (TARGETS[0], "Int32")):
        rows[name] = rows[name].astype(kind).mask(now)
    folder.mkdir(parents=True, exist_ok=True)
    keys = ["as_of_date", "customer_id"]
    rows[[*keys, *NAMES]].to_parquet(folder / "features.parquet", index=False)
    told = ["is_eligible", "status_if_not_eligible", "has_churned", "is_profiled", *TARGETS]
    rows[[*keys, *told]].to_parquet(folder / "labels.parquet", index=False)
    return folder / "features.parquet", folder / "labels.parquet"
