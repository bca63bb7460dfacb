"""The word on a search: are the best settings better than the defaults, or only luckier?

Belongs here: the judgement and how it is put. Does not belong here: searching (``study``), and the gate, which judges
what was trained with them on newer dates (``ml.promotion``, ``ml.value.gate``).
"""

from __future__ import annotations

from dataclasses import dataclass

from ml.booster import Recipe
from ml.bootstrap import Difference
from ml.tuning.space import recipe_of, settings_of
from ml.tuning.study import Attempt, best_of
from ml.tuning.task import Task


@dataclass(frozen=True)
class Verdict:
    """What became of a search."""

    best: Attempt | None
    recipe: Recipe | None
    """That beats the defaults; None: none does."""
    words: str
    confirmed: Difference | None = None
    """Loss of the best less that of the defaults on the date that the search had not seen, if it came to that."""


def judge(task: Task, attempts: tuple[Attempt, ...]) -> Verdict:
    """Whether the best beats the defaults: beyond noise on the dates of the search, and in the mean on the one kept.

    One date tells of a small gain within its noise only; a lead that is mere luck vanishes there half of the time.
    """
    best = best_of(attempts)
    if best is None:
        return Verdict(None, None, "the time was too short to judge even the defaults: give more minutes")
    if best.number == 0:
        return Verdict(best, None, f"none of {len(attempts) - 1} other settings did better than the defaults")
    which, told = f"trial {best.number}, the best of {len(attempts)},", best.difference
    if told is None or told.high >= 0:
        return Verdict(best, None, f"{which} is better than the defaults by no more than noise: {task.metric} {told}")
    confirmed = _on_the_date_kept(task, best)
    days = f"{task.metric} {told} on {spoken_dates(task)}; on {task.confirming.date}, kept from the search, {confirmed}"
    if confirmed.value >= 0:
        return Verdict(best, None, f"{which} leads the defaults on the dates of the search only: {days}", confirmed)
    return Verdict(best, best.recipe, f"{which} beats the defaults: {days}", confirmed)


def spoken_dates(task: Task) -> str:
    """The dates of the search."""
    return ", ".join(origin.date.isoformat() for origin in task.searched)


def _on_the_date_kept(task: Task, best: Attempt) -> Difference:
    defaults = recipe_of(settings_of(Recipe(), task.rows))
    said, usual = ([task.learner(recipe)(task.confirming)] for recipe in (best.recipe, defaults))
    return task.difference((task.confirming,), said, usual)
