"""A shop that sends plays to its best customers by its own value model, with what they bring without plays known.

Customers stay the same, day by day, each with a pace and a worth of their own, so that what plays brought stands in the
features and in the histories of orders that tell the level. ``save`` is decided at the as-of for those of high
predicted value, ``nudge`` in the middle of the window for those of a favourite kind who have not bought by then; each
multiplies the pace until the window ends (``treatment_world`` draws the arms).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from treatment_world import ARRAYS, FIRST, NUDGE, NUDGED_ON, OUTCOME, PLAYS, SAVE, STEP, World, _nothing

from ml.booster import Recipe
from ml.btyd.expectations import HISTORY, ORDER_VALUES, ORDERS, expectations
from ml.evaluation import Floats
from ml.snapshots import Snapshots, day_number
from ml.treatments.record import NONE, Treatments
from ml.value.labels import TARGETS
from ml.value.recipe import Trainer

NAMES = (
    *HISTORY, "orders_30d", "spend_30d", "orders_365d", "spend_365d", "order_days_365d", "favours", "visits", ORDERS,
    ORDER_VALUES,
)  # fmt: skip
RECIPE = Recipe(rounds=40, learning_rate=0.1)
BEFORE = 420
"""Days of history before the first round."""
NET = 0.9
"""What is not sent back."""
Values = Callable[[NDArray[np.float32], date], Floats]
"""Expected net spend of all customers of an as-of."""
Learner = Callable[[Snapshots], Values]


@dataclass(frozen=True)
class Shop(World):
    """What customers do; ``lived`` goes on from where it was."""

    customers: int = 1500
    holdout: float = 0.1
    save: float = 1.8
    nudge: float = 1.5
    treats: float = 0.4
    """Share of customers, those of most value, for whom ``save`` is decided."""
    is_expected: bool = True
    """Whether the features know what models of repeat purchase expect."""
    bought: NDArray[np.int64] = field(init=False)
    spent: Floats = field(init=False)
    """(customers, days), up to the newest round."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "bought", np.zeros((self.customers, 0), np.int64))
        object.__setattr__(self, "spent", np.zeros((self.customers, 0)))
        self._buys(0, np.ones((self.customers, BEFORE)))

    @property
    def names(self) -> tuple[str, ...]:
        return NAMES if self.is_expected else NAMES[:-2]

    @property
    def own(self) -> tuple[Floats, Floats, Floats]:
        """Daily pace, worth of an order, visits that tell a little of the pace; (customers,) each."""
        rng = np.random.default_rng((self.seed, 1))
        pace, worth = rng.gamma(0.8, 0.8, self.customers) / 30, rng.lognormal(3.0, 0.5, self.customers)
        return pace, worth, rng.poisson(90 * pace).astype(float)

    @property
    def truth(self) -> Floats:
        """Net spend that is to be expected of a horizon without plays, (customers,)."""
        pace, worth, _ = self.own
        return pace * worth * NET * OUTCOME.horizon_days

    def lived(self, number: int, said: Floats | None) -> Snapshots:  # type: ignore[override]
        """One round: what was known, decided and then happened."""
        day, n = FIRST + number * STEP, self.customers
        X = self.known()
        first, treated, propensity = np.full(n, NONE, np.int16), np.full(n, NONE, np.int16), np.full(n, np.nan)
        times = np.ones((n, STEP.days))
        if said is not None and number >= self.plays_from:
            self._decide(said > np.quantile(said, 1 - self.treats), SAVE, first, treated, propensity)
            times[treated == SAVE, : OUTCOME.horizon_days] = self.save
        self._buys(number + 1, times[:, :NUDGED_ON])
        if said is not None and number >= self.plays_from:
            silent = (self.bought[:, -NUDGED_ON:].sum(axis=1) == 0) & (X[:, NAMES.index("favours")] > 0)
            self._decide(silent & (treated == NONE), NUDGE, first, treated, propensity)
            times[treated == NUDGE, NUDGED_ON : OUTCOME.horizon_days] = self.nudge
        self._buys(-number - 1, times[:, NUDGED_ON:])
        own = slice(-STEP.days, -STEP.days + OUTCOME.horizon_days)
        gross, orders = self.spent[:, own].sum(axis=1), self.bought[:, own].sum(axis=1)
        Y = np.column_stack([gross * NET, orders, gross])
        done = Treatments(PLAYS, first, treated, propensity, self.held_out, Y)
        days = np.full(n, day_number(day), np.int32)
        return Snapshots(self.names, TARGETS, X, Y, days, self.hashed, done if (first != NONE).any() else None)

    def _buys(self, draw: int, times: Floats) -> None:
        """More days; what plays bring comes on top of what would have come without."""
        rng = np.random.default_rng((self.seed, 2, abs(draw), draw < 0))
        pace, worth, _ = self.own
        usual, more = (rng.poisson(np.broadcast_to(pace[:, None], times.shape) * one) for one in (1.0, times - 1))
        orders = usual + more
        sizes = rng.gamma(4.0, 0.25, times.shape) * worth[:, None]
        object.__setattr__(self, "bought", np.hstack([self.bought, orders]))
        object.__setattr__(self, "spent", np.hstack([self.spent, orders * sizes]))

    def known(self) -> NDArray[np.float32]:
        """Features of all customers as of the day that comes next."""
        is_day, days = self.bought > 0, self.bought.shape[1]
        has = is_day.any(axis=1)
        age = np.where(has, days - is_day.argmax(axis=1), np.nan)
        silent = np.where(has, is_day[:, ::-1].argmax(axis=1) + 1.0, np.nan)
        repeats = np.where(has, is_day.sum(axis=1) - 1.0, np.nan)
        sums = [part[:, -window:].sum(axis=1) for window in (30, 365) for part in (self.bought, self.spent)]
        favours = np.random.default_rng((self.seed, 3)).random(self.customers) < 0.5
        columns = [repeats, age, silent, *sums, is_day[:, -365:].sum(axis=1), favours, self.own[2]]
        if self.is_expected:
            columns.append(self._expected(pd.DataFrame(dict(zip(HISTORY, columns, strict=False)))))
        return np.column_stack(columns).astype(np.float32)

    def _expected(self, own: pd.DataFrame) -> Floats:
        """What the project's own model of repeat purchase says, fitted on these very orders."""
        histories = own.dropna().groupby(list(HISTORY), as_index=False).size().rename(columns={"size": "customers"})
        is_day = self.bought > 0
        is_day[np.arange(len(is_day)), is_day.argmax(axis=1)] = False  # the first is no repeat
        by_age = is_day.sum(axis=0)[::-1]
        totals = pd.DataFrame({"age_days": np.arange(1, len(by_age) + 1), "customers": by_age})
        told = expectations(histories, totals[totals["customers"] > 0], OUTCOME.horizon_days)
        return own.merge(told, how="left", on=list(HISTORY))[[ORDERS, ORDER_VALUES]].to_numpy(float)


def together(parts: list[Snapshots]) -> Snapshots:
    """Rounds one after another; those before any play were left alone."""
    names = ("X", "Y", "day", "hashed")
    X, Y, day, hashed = (np.concatenate([getattr(part, name) for part in parts]) for name in names)
    done = None
    if any(part.treatments for part in parts):
        several = [part.treatments or _nothing(len(part)) for part in parts]
        arrays = [np.concatenate([getattr(one, name) for one in several]) for name in ARRAYS]
        done = Treatments(PLAYS, *arrays, Y)
    return Snapshots(parts[0].names, TARGETS, X, Y, day, hashed, done)


def write(folder: Path, data: Snapshots) -> date:
    """Rounds as files of snapshots; returns the as-of at which all of their outcomes are known."""
    done = data.treatments
    assert done is not None
    count = len(data) // len(data.dates)
    keys = {
        "as_of_date": pd.to_datetime(data.day, unit="D").date,
        "customer_id": [f"c_{n:05d}" for _ in data.dates for n in range(count)],
    }
    names = np.array([*PLAYS, None], dtype=object)  # the last one where there is none
    labels = {
        "is_eligible": True, "is_profiled": True, **dict(zip(TARGETS, data.Y.T, strict=True)),
        "first_play": names[done.first], "treated_play": names[done.treated],
        "untreated_propensity": done.propensity, "is_held_out": done.is_held_out,
    }  # fmt: skip
    features = dict(zip(data.names, data.X.T, strict=True))
    pd.DataFrame(keys | features).to_parquet(folder / "features.parquet", index=False)
    pd.DataFrame(keys | labels).to_parquet(folder / "labels.parquet", index=False)
    return data.dates[-1] + STEP


def rounds(shop: Shop, learner: Learner, count: int) -> list[tuple[Snapshots, Floats]]:
    """Train on all that is known, play on its values, see what happens, train again: rows and values of each round."""
    parts: list[Snapshots] = []
    found = []
    for number in range(count):
        said = learner(together(parts))(shop.known(), FIRST + number * STEP) if parts else None
        part = shop.lived(number, said)
        found.append((part, np.full(len(part), np.nan) if said is None else said))
        parts.append(part)
    return found


def ours(data: Snapshots) -> Values:
    """The project's own recipe."""
    model = Trainer(data, OUTCOME, RECIPE, seed=3, threads=1).model_at(data, data.dates[-1])
    return lambda X, day: model.predict(X, data.names, day).spend


def bias(shop: Shop, said: Floats) -> float:
    """Predicted total over the true one, less 1."""
    return float(said.sum() / shop.truth.sum() - 1)
