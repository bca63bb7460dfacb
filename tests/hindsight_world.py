"""A shop whose season is that of those who seldom buy, and whose customers always bring more than is expected of them.

Belongs here: the world that tests of hindsight share. Does not belong here: assertions.
"""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from ml.btyd.expectations import COLUMNS, HISTORY, OrderFiles, expectations
from ml.btyd.statistics import SPEND_COLUMNS
from ml.snapshots import Snapshots, day_number

AS_OF, HORIZON, CUSTOMERS = date(2025, 10, 1), 60, 5000
WORTH, MORE, A_DAY = 20.0, 1.3, 2.0
"""Of a day with an order in the past, how much more of one to come, and how many orders such a day has."""
NAMES = (*HISTORY, *COLUMNS, *SPEND_COLUMNS, "orders_365d", "orders_90d", "spend_90d")
TARGETS = ("has_churned", "net_spend_within_horizon", "orders_within_horizon", "spend_within_horizon")


def months(count: int) -> list[date]:
    """Days of snapshots, the newest one horizon before the as-of."""
    return [AS_OF - timedelta(HORIZON + 30 * k) for k in range(count)][::-1]


class World:
    """Customers who bought day by day; of those who seldom buy the pace swings far, of the others hardly."""

    def __init__(self, days: int = 850, seed: int = 5, value_swing: float = 0.0) -> None:
        rng = np.random.default_rng(seed)
        self.days, rate = days, rng.gamma(1.0, 1 / 60, CUSTOMERS)
        self.value_swing = value_swing
        swing = np.where(rate < np.median(rate), 1.2, 0.2)
        day = np.arange(-days, HORIZON)
        pace = np.exp(swing[:, None] * np.sin(2 * np.pi * day / 365.25))
        joined = -rng.integers(480, days, CUSTOMERS)
        self.bought = (day > joined[:, None]) & (rng.random(pace.shape) < 1 - np.exp(-rate[:, None] * pace))
        self.bought[np.arange(CUSTOMERS), joined + days] = True
        self.spent = WORTH * self.bought * np.exp(value_swing * np.sin(2 * np.pi * day / 365.25))

    def features(self, ago: int) -> pd.DataFrame:
        """``HISTORY`` and days with an order within windows, of every customer so many days before the as-of."""
        now = self.days - ago
        past = self.bought[:, :now]
        first, last = past.argmax(axis=1), now - 1 - past[:, ::-1].argmax(axis=1)
        told = dict(zip(HISTORY, (past.sum(axis=1) - 1, now - first, now - last), strict=True))
        recent = {days: past[:, -days:].sum(axis=1) for days in (90, 365)}
        spend = {days: self.spent[:, max(now - days, 0) : now].sum(axis=1) for days in (90, 365)}
        spent = dict(zip(SPEND_COLUMNS, (recent[365], spend[365]), strict=True))
        orders = {f"orders_{days}d": A_DAY * count for days, count in recent.items()}
        return pd.DataFrame({**told, **spent, **orders, "spend_90d": spend[90]})

    def outcomes(self, ago: int) -> np.ndarray:
        """``TARGETS`` of every customer, (customers, targets)."""
        days, spent = (done[:, self.days - ago :][:, :HORIZON].sum(axis=1) for done in (self.bought, self.spent))
        spent = MORE * spent
        return np.column_stack([days == 0, spent, A_DAY * days, spent]).astype(float)

    def repeats(self, ago: int) -> pd.DataFrame:
        """Customers who bought again, by days before an as-of."""
        past = self.bought[:, : self.days - ago].copy()
        past[np.arange(CUSTOMERS), past.argmax(axis=1)] = False
        counts = past.sum(axis=0)[::-1]
        daily = pd.DataFrame({"age_days": np.arange(1, len(counts) + 1), "customers": counts})
        return daily[daily["customers"] > 0]

    def value_sums(self, ago: int) -> pd.DataFrame:
        """What many orders of so swinging values add up to, whose time counts from an as-of (``ValueSeason.fit``)."""
        turned, many = 2 * np.pi * ago / 365.25, 1e6
        waves = {"sine": np.cos(turned), "cosine": -np.sin(turned)}
        sums = {f"{wave}_log_value": many / 2 * self.value_swing * share for wave, share in waves.items()}
        squares = {
            "sine_sine": many / 2,
            "cosine_cosine": many / 2,
            "sine_cosine": 0.0,
            "log_value_log_value": many / 100,
        }
        return pd.DataFrame([{"repeat_orders": many, **sums, **squares}])


def shop(folder: Path, *, value_swing: float = 0.0) -> tuple[OrderFiles, Snapshots]:
    """The files and snapshots of fourteen months and of the as-of, whose outcome stands there to judge by.

    ``value_swing``: how far the logarithm of an order's value goes up and down with the time of the year.
    """
    world, days = World(value_swing=value_swing), [*months(14), AS_OF]
    X, Y, histories, totals, values = [], [], [], [], []
    for day in days:
        ago = (AS_OF - day).days
        frame, daily = world.features(ago), world.repeats(ago)
        own = frame.groupby(list(HISTORY)).size().reset_index(name="customers")
        values.append(world.value_sums(ago).assign(as_of_date=day))
        expected = expectations(own, daily, HORIZON, values=values[-1].drop(columns="as_of_date"))
        X.append(frame.merge(expected, on=list(HISTORY), how="left")[list(NAMES)].to_numpy(np.float32))
        Y.append(world.outcomes(ago))
        histories.append(own.assign(as_of_date=day))
        totals.append(daily.assign(as_of_date=day))
    pd.concat(values).to_parquet(folder / "order_value_seasons.parquet", index=False)
    files = OrderFiles.of(folder)
    pd.concat(histories).to_parquet(files.histories, index=False)
    pd.concat(totals).to_parquet(files.totals, index=False)
    day = np.repeat([day_number(one) for one in days], CUSTOMERS).astype(np.int32)
    customer = np.tile(np.arange(CUSTOMERS), len(days))
    return files, Snapshots(NAMES, TARGETS, np.concatenate(X), np.concatenate(Y), day, customer)
