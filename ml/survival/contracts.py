"""How long contracts run on: hazards by period, learned from contracts that ended and from those that did not.

Belongs here: the model as it is learned, kept and asked. Does not belong here: its rows (``ml.survival.periods``), the
churn within the horizon that is published (``ml.churn.model``).

The hazard of a period is the probability that it sees the end of a customer's last contract, given that one still ran
at its beginning: trees and a logistic regression, half of the log-odds each. Lifetimes are those of customers as they
are treated, with the plays that are sent. A period further ahead than any that was watched has the hazard of the
farthest that was, at the contract's age and renewal of then.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.booster import Recipe
from ml.churn.calibration import Level
from ml.churn.model import ChurnModel
from ml.churn.recipe import Trainer, too_little
from ml.evaluation import Floats
from ml.model import ModelFileError
from ml.snapshots import Snapshots
from ml.splits import Outcome
from ml.survival.lifetimes import CAP_DAYS
from ml.survival.periods import AGE, CALENDAR, PERIOD, PERIOD_DAYS, RENEWAL, at_period

RUNNING = "subscriptions_running"
NEEDED = (RUNNING, AGE, RENEWAL, PERIOD)
ROWS_AT_ONCE = 65_536


@dataclass(frozen=True)
class ContractLifetimes:
    """Tells lifetimes of customers with contracts; 0 where none runs."""

    hazard: ChurnModel
    """Of a row of customer and period."""
    farthest: int
    """Most periods ahead that were watched."""

    @property
    def names(self) -> tuple[str, ...]:
        """Features of an as-of that it reads."""
        return self.hazard.names[: -len(CALENDAR)]

    def survival(self, X: NDArray[np.float32], days: int, *, threads: int = 1) -> Iterator[Floats]:
        """Probability that a contract still runs at the end of each period within ``days``, the first 1, (rows,)."""
        still = np.ones(len(X))
        yield still
        for period in range(-(-days // PERIOD_DAYS)):
            asked = at_period(X, self.names, np.full(len(X), period))
            asked[:, -len(CALENDAR)] = min(period, self.farthest)
            still = still * (1 - self.hazard.predict(asked, self.hazard.names, Level(), threads=threads))
            yield still

    def ends_within(self, X: NDArray[np.float32], days: int, *, threads: int = 1) -> Floats:
        """Probability that the last contract ends within ``days``, (rows,); even within a period."""
        *_, before, after = self.survival(X, days, threads=threads)
        share = (days - 1) % PERIOD_DAYS + 1
        return 1 - before * (after / before) ** (share / PERIOD_DAYS)

    def days(self, X: NDArray[np.float32], is_leaving: NDArray[np.bool_], *, threads: int = 1) -> Floats:
        """Expected days, of the next ``CAP_DAYS``. Who has given notice is taken to leave when the contract renews."""
        running, renewal = (X[:, self.names.index(name)].astype(np.float64) for name in (RUNNING, RENEWAL))
        known = np.where(running > 0, np.minimum(renewal, CAP_DAYS), 0.0)
        asked = np.flatnonzero((running > 0) & ~is_leaving)
        for start in range(0, len(asked), ROWS_AT_ONCE):
            own = asked[start : start + ROWS_AT_ONCE]
            known[own] = self.expected_days(X[own], CAP_DAYS, threads=threads)
        return known

    def expected_days(self, X: NDArray[np.float32], days: int, *, threads: int = 1) -> Floats:
        """The area under the survival curve up to ``days``, which falls evenly within a period, (rows,)."""
        total, before, left = np.zeros(len(X)), np.ones(len(X)), float(days)
        for number, after in enumerate(self.survival(X, days, threads=threads)):
            if number:
                width = min(left, PERIOD_DAYS)
                total += width * (before + (after - before) * width / PERIOD_DAYS / 2)
                left -= width
            before = after
        return total

    def save(self, folder: Path) -> Path:
        """The hazard's own files, and how far it has seen."""
        self.hazard.save(folder)
        (folder / "lifetimes.json").write_text(json.dumps({"farthest": self.farthest}) + "\n")
        return folder

    @classmethod
    def load(cls, folder: Path) -> ContractLifetimes:
        """Read what ``save`` wrote.

        Raises
        ------
        ModelFileError
            A file is missing or written by another format.
        """
        try:
            farthest = json.loads((folder / "lifetimes.json").read_text())["farthest"]
        except (FileNotFoundError, json.JSONDecodeError) as error:
            raise ModelFileError(f"{folder} holds no whole model of lifetimes ({error}); train again") from error
        return cls(ChurnModel.load(folder), int(farthest))


def fit_contract_lifetimes(rows: Snapshots, recipe: Recipe, *, seed: int, threads: int) -> ContractLifetimes | None:
    """Learn from rows of customer and period; None where too few contracts ended or ran on.

    The same bytes for any number of threads.
    """
    if too_little(rows):
        return None
    hazard = Trainer(Outcome(PERIOD_DAYS, 0), recipe, seed, threads).parts(rows)
    return ContractLifetimes(hazard, int(rows.column(CALENDAR[0]).max()))
