"""Rolling origin: every date is judged by a model that learned only from what had happened by then.

Belongs here: which dates are judged, rows of several dates under several models. Does not belong here: any one model
(``ml.churn``, ``ml.value``), the rule of time (``ml.splits``), metrics.

One date is one draw of the seasons to come, so a model is judged on several, each after its own training. The same
function serves the gate of a training, the weights and calibration inside it, and the report (``regulars backtest``).
Source: Tashman, "Out-of-sample tests of forecasting accuracy", International Journal of Forecasting 16, 2000.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from ml.evaluation import Floats
from ml.snapshots import Snapshots, day_number
from ml.splits import Outcome, customer_fold

FOLDS = 4
JUDGED_FOLD = 1
"""The same in every training: a champion's model that left it out can be judged on it as well."""
WEIGHING_DATES = 2
"""How many of the newest dates weigh the parts of a model; each costs a training."""
TooLittle = Callable[[Snapshots], str | None]
"""Why snapshots cannot teach a model, or None."""


@dataclass(frozen=True)
class Origin:
    """Rows whose outcome was known at a date, to learn from, and the rows of that date, to judge on."""

    date: date
    known: Snapshots
    test: Snapshots

    @property
    def is_of_others(self) -> bool:
        """Whether other customers of the date itself are learned from (``by_customers``)."""
        return self.date in self.known.dates


def origins(data: Snapshots, outcome: Outcome, too_little: TooLittle, *, most: int | None = None) -> list[Origin]:
    """The newest ``most`` dates at which enough was known to learn from, ascending; all of them without a number."""
    found: list[Origin] = []
    for day in reversed(data.dates):
        if most is not None and len(found) == most:
            break
        known = data.at(outcome.known_at(data.dates, day))
        if too_little(known):
            break  # the earlier, the less was known
        found.append(Origin(day, known, data.at([day])))
    return found[::-1]


def weighing(known: Snapshots, outcome: Outcome, too_little: TooLittle) -> list[Origin]:
    """What the parts of a model are weighed on, each fitted before: the newest dates, else some of the customers."""
    return origins(known, outcome, too_little, most=WEIGHING_DATES) or [by_customers(known, 0)]


def by_customers(data: Snapshots, fold: int) -> Origin:
    """Where too little time has passed: the newest date's customers of one fold, all others to learn from."""
    day = data.dates[-1]
    test = data.at([day])
    return Origin(day, data.rows(folds(data) != fold), test.rows(folds(test) == fold))


def folds(rows: Snapshots) -> NDArray[np.int64]:
    """Fold of each row: of its customer, so that nobody is in two."""
    return np.asarray(customer_fold(rows.hashed, FOLDS))


@dataclass(frozen=True)
class Judged:
    """Rows of several dates with what happened and what each model had said, (rows,) each; NaN where it could not."""

    day: NDArray[np.int32]
    customers: NDArray[np.int64]
    """By their hash; a customer stands once in each date."""
    y: Floats
    said: dict[str, Floats]

    @property
    def dates(self) -> tuple[date, ...]:
        return tuple(date.fromordinal(int(day) + date(1970, 1, 1).toordinal()) for day in np.unique(self.day))

    def at(self, day: date) -> Judged:
        return self.rows(self.day == day_number(day))

    def rows(self, kept: NDArray[np.bool_]) -> Judged:
        said = {name: values[kept] for name, values in self.said.items()}
        return Judged(self.day[kept], self.customers[kept], self.y[kept], said)

    def where(self, name: str) -> Judged:
        """Only the rows of which that model said something."""
        return self.rows(np.isfinite(self.said[name]))


def judged(tests: Sequence[Snapshots], ys: Sequence[Floats], said: Sequence[Mapping[str, Floats]]) -> Judged:
    """One after another: the rows of each date, what happened, and what was said of them."""
    names = list(dict.fromkeys(name for one in said for name in one))
    silent = [np.full(len(y), np.nan) for y in ys]
    return Judged(
        np.concatenate([test.day for test in tests]),
        np.concatenate([test.hashed for test in tests]),
        np.concatenate(ys),
        {n: np.concatenate([one.get(n, none) for one, none in zip(said, silent, strict=True)]) for n in names},
    )
