"""By which settings of the trees the model of a date grows: what was tuned on later outcomes is not known then.

Belongs here: that rule, for every backtest. Does not belong here: the search (``ml.tuning``), where a shop keeps what
was found (``orchestration.tuned``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any, Protocol, Self, TypeVar

from ml.booster import Recipe
from ml.snapshots import Snapshots


class Grows(Protocol):
    """A trainer whose trees grow by a recipe."""

    def with_recipe(self, recipe: Recipe) -> Self: ...

    def fit_ahead(self, many: Sequence[Snapshots]) -> None: ...


Trainer = TypeVar("Trainer", bound=Grows)


def trainers_of(trainer: Trainer, days: Iterable[date], since: date | None) -> dict[date, Trainer]:
    """The trainer of each date: before ``since``, when its recipe was not known yet, one with the defaults."""
    usual = trainer.with_recipe(Recipe())
    return {day: usual if before(day, since) else trainer for day in days}


def fit_ahead(own: Mapping[date, Grows], known: Mapping[date, Snapshots]) -> None:
    """Fit what the models of all dates need, by each trainer its own."""
    for trainer in {id(one): one for one in own.values()}.values():
        trainer.fit_ahead([known[day] for day, one in own.items() if one is trainer])


def usual_dates(days: Iterable[date], recipe: Recipe, since: date | None) -> tuple[date, ...]:
    """The dates at which a recipe other than the defaults was not known yet."""
    return tuple(day for day in days if recipe != Recipe() and before(day, since))


def recipe_parameters(recipe: Recipe, since: date | None, days: Iterable[date]) -> dict[str, Any]:
    """What a training writes down of its recipe, and on which dates of its backtest the defaults stood in for it."""
    usual = ", ".join(day.isoformat() for day in usual_dates(days, recipe, since))
    return {**asdict(recipe), **({"defaults_on": usual} if usual else {})}


def before(day: date, since: date | None) -> bool:
    """Whether settings known since then are not known at a date."""
    return since is not None and day < since
