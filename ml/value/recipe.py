"""The recipe at one date: learn from what was known then, hold out the newest of it, blend, find the interval.

Belongs here: which rows each part learns from. Does not belong here: reading files and reporting
(``ml.value.training``), the parts themselves.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ml.amounts import gini
from ml.booster import Recipe, fit_trees
from ml.evaluation import Floats
from ml.linear import fit_tweedie
from ml.model import blend
from ml.rolling import Origin, by_customers, origins
from ml.snapshots import Snapshots
from ml.splits import Outcome
from ml.value.interval import Interval, fit_interval
from ml.value.level import recent_feature, season_of
from ml.value.model import Expectation, ValueModel

TARGETS = ("net_spend_within_horizon", "orders_within_horizon", "spend_within_horizon")
FEWEST_CUSTOMERS = 100
FEWEST_BUYERS = 50
BLENDS = (0.0, 0.5, 1.0)
"""Shares of the linear model that are tried on the held-out snapshot."""
SPEND_POWER, ORDERS_POWER = 1.2, 1.0
"""Tweedie: variance grows with mean ** power; between 1 and 2 there is a mass at zero."""
UNKNOWN = Interval((), (0.0,), (1.0,))


def too_little(data: Snapshots) -> str | None:
    """Why these snapshots cannot teach a model, or None."""
    if len(data) == 0:
        return "no snapshot has a finished outcome yet"
    if data.customers < FEWEST_CUSTOMERS:
        return f"{data.customers} customers with a known outcome, {FEWEST_CUSTOMERS} are needed"
    buyers = int((net_spend(data) > 0).sum())
    if buyers < FEWEST_BUYERS:
        return f"only {buyers} of {len(data)} outcomes are an amount, {FEWEST_BUYERS} are needed"
    if not (recent_feature("spend", 0, data.names) and recent_feature("orders", 0, data.names)):
        return "the features know neither spend nor orders"
    return None


def net_spend(data: Snapshots) -> Floats:
    """What is learned: spend less returns within the horizon; who sent back more than they bought brought nothing."""
    return np.maximum(data.target("net_spend_within_horizon"), 0)


@dataclass(frozen=True)
class Trainer:
    """Applies the recipe at any date to the same snapshots and fits each part once."""

    data: Snapshots
    outcome: Outcome
    recipe: Recipe
    seed: int
    threads: int
    fitted: dict[bytes, ValueModel] = field(default_factory=dict)

    def model_at(self, known: Snapshots) -> ValueModel:
        """The model of one date, given the snapshots whose outcome was known then."""
        (weighing,) = origins(known, self.outcome, too_little, most=1) or [by_customers(known, 0)]
        held, base, final = weighing.test, self.parts(weighing.known), self.parts(known)
        y, orders = net_spend(held), held.target("orders_within_horizon")
        spend_share = self._best_share(base.spend, held, y)
        orders_share = self._best_share(base.orders, held, orders)
        judged = replace(base.spend, linear_share=spend_share).own(held.X, self.threads)
        return replace(
            final,
            spend=replace(final.spend, linear_share=spend_share),
            orders=replace(final.orders, linear_share=orders_share),
            interval=fit_interval(y, judged * (y.sum() / max(judged.sum(), 1e-12))),
        )

    def backtest(self) -> tuple[Origin, str]:
        """Rows to learn from and rows to judge on, and how they are parted: by ``time``, or by ``customers``."""
        rolled = origins(self.data, self.outcome, too_little, most=1)
        return (rolled[0], "time") if rolled else (by_customers(self.data, 1), "customers")

    def parts(self, rows: Snapshots) -> ValueModel:
        """Both expectations, not yet blended; fitted once per set of rows."""
        key = hashlib.sha256(rows.day.tobytes() + rows.hashed.tobytes()).digest()
        if key not in self.fitted:
            gross, net = rows.target("spend_within_horizon").sum(), rows.target("net_spend_within_horizon").sum()
            self.fitted[key] = ValueModel(
                names=rows.names,
                spend=self._expectation(rows, net_spend(rows), "spend", SPEND_POWER),
                orders=self._expectation(rows, rows.target("orders_within_horizon"), "orders", ORDERS_POWER),
                interval=UNKNOWN,
                returned_share=float(np.clip(1 - net / gross, 0, 0.9)) if gross > 0 else 0.0,
            )
        return self.fitted[key]

    def _expectation(self, rows: Snapshots, y: Floats, measure: str, power: float) -> Expectation:
        scale = float(y.mean()) or 1.0
        objective: dict[str, Any] = {"objective": "poisson"}
        if power > 1:
            objective = {"objective": "tweedie", "tweedie_variance_power": power}
        scaled = y / scale
        trees = fit_trees(
            rows.X, scaled, rows.names, self.recipe, seed=self.seed, threads=self.threads, objective=objective
        )
        recent = recent_feature(measure, self.outcome.horizon_days, rows.names) or ""
        return Expectation(
            trees=trees,
            linear=fit_tweedie(rows.X, scaled, rows.hashed, power=power),
            linear_share=0.0,
            scale=scale,
            ceiling=float(np.log(max(scaled.max(), 1.0))),
            season=season_of(rows, y, recent),
            recent=recent,
        )

    def _best_share(self, base: Expectation, held: Snapshots, y: Floats) -> float:
        """The blend that ranks the held-out snapshot best; the trees alone where there is no difference."""
        trees, linear = base.trees.margin(held.X, self.threads), base.linear.margin(held.X)
        return max(BLENDS, key=lambda share: (round(gini(y, blend(trees, linear, share)), 9), -share))
