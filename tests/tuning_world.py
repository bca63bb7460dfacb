"""Settings whose worth is known: a task that trains nothing, and whose losses are told by a rule.

Belongs here: the world that tests of the search share; as a program, a search in a process of its own that dies in the
middle of a trial (``python tuning_world.py FILE CALLS``). Does not belong here: assertions.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from ml.booster import Recipe
from ml.bootstrap import paired_bootstrap
from ml.evaluation import expit, log_loss, logit
from ml.rolling import Origin
from ml.snapshots import Snapshots, day_number
from ml.tuning.task import Task

DATES = [date(2024, 1, 1) + timedelta(30 * k) for k in range(5)]
CUSTOMERS = 400
SECONDS = 10.0
"""That one training takes on the clock of the world."""
Worth = Callable[[Recipe, date], float]


def distance(recipe: Recipe, _: date) -> float:
    """Best with three times the rows per leaf; the defaults are some way off, at either end it is poor."""
    return float(np.log(recipe.leaf_scale / 3) ** 2)


@dataclass
class World:
    """Counts what is trained and tells the time by it."""

    worth: Worth = distance
    """How far a recipe is from the truth on a date: 0 says the very probabilities."""
    now: float = 0.0
    trained: list[tuple[Recipe, date]] = field(default_factory=list)
    dies_at: int | None = None
    """The training before which the process kills itself."""

    def clock(self) -> float:
        return self.now

    def task(self) -> Task:
        found = [Origin(day, snapshot(day - timedelta(90)), snapshot(day)) for day in DATES]
        return Task(
            model="churn", metric="log-loss", searched=tuple(found[:-1]), confirming=found[-1], data_hash="d" * 64,
            learner=self._learner, happened=lambda rows: rows.y, loss=log_loss, seed=7,
            compare=lambda y, p, q, **how: paired_bootstrap(y, p, q, draws=100, **how)["log_loss"],
        )  # fmt: skip

    def _learner(self, recipe: Recipe) -> Callable[[Origin], np.ndarray]:
        def at(origin: Origin) -> np.ndarray:
            if self.dies_at is not None and len(self.trained) == self.dies_at:
                os.kill(os.getpid(), signal.SIGKILL)
            self.trained.append((recipe, origin.date))
            self.now += SECONDS
            return expit(logit(truth(origin.test)) + self.worth(recipe, origin.date))

        return at


def truth(rows: Snapshots) -> np.ndarray:
    """The probability that each outcome was drawn with."""
    return rows.X[:, 0].astype(np.float64)


def snapshot(day: date) -> Snapshots:
    """Customers of a date, drawn by it."""
    rng = np.random.default_rng(day.toordinal())
    p = rng.uniform(0.1, 0.9, CUSTOMERS).astype(np.float32)
    y = (rng.random(CUSTOMERS) < p).astype(float)
    days, hashed = np.full(CUSTOMERS, day_number(day), np.int32), np.arange(CUSTOMERS, dtype=np.int64) * 7919
    return Snapshots(("p",), ("y",), p[:, None], y[:, None], days, hashed)


if __name__ == "__main__":
    from ml.tuning.study import search
    from ml.tuning.timebox import TimeBox

    world = World(dies_at=int(sys.argv[2]))
    search(world.task(), Path(sys.argv[1]), "study", seed=3, box=TimeBox(1e6, world.clock))
