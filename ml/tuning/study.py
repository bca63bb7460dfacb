"""The search: trials of settings until the time is up; poor ones stop early, killed ones begin anew.

Belongs here: Optuna, and nothing of it elsewhere (it is imported when first needed). Does not belong here: what is
searched (``space``), what judges it (``task``), what follows from it (``verdict``).

Trials lie in a sqlite file, which survives a kill at any moment: a torn last line of Optuna's journal makes the whole
file unreadable at the next write. What is drawn next depends on the seed and on the finished trials alone, so a search
that was killed goes on with the very trial it was in, and ends where one that was not killed would have ended.

Sources: Bergstra et al., "Algorithms for hyper-parameter optimization", 2011 (TPE); Golovin et al., "Google Vizier",
2017 (the median rule).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ml.booster import Recipe
from ml.bootstrap import Difference
from ml.evaluation import Floats
from ml.tuning.space import recipe_of, settings_of, space
from ml.tuning.task import Task
from ml.tuning.timebox import OutOfTimeError, TimeBox

if TYPE_CHECKING:
    import optuna

DRAWN_AT_RANDOM = 8
"""Trials before the sampler takes what it has seen into account."""
BEFORE_PRUNING = 5
"""Finished trials, and below ``DATES_BEFORE_PRUNING`` dates, before any trial is stopped early."""
DATES_BEFORE_PRUNING = 2
LOSSES, SECONDS, DIFFERENCE = "losses", "seconds", "difference"


@dataclass(frozen=True)
class Attempt:
    """A finished trial, as the study keeps it. Nothing in it is about a customer."""

    number: int
    """Counts finished trials only, the defaults are 0."""
    is_complete: bool
    """Else stopped early."""
    settings: Mapping[str, float]
    losses: tuple[float, ...]
    """By date of the search, as far as it came."""
    seconds: float
    difference: Difference | None
    """To the defaults, of a trial that was the best when it was made."""

    @property
    def loss(self) -> float:
        return float(np.mean(self.losses))

    @property
    def recipe(self) -> Recipe:
        return recipe_of(self.settings)


def best_of(attempts: tuple[Attempt, ...]) -> Attempt | None:
    """The complete one with the least loss, the first of equals; None before any is complete."""
    return min((one for one in attempts if one.is_complete), key=lambda one: (one.loss, one.number), default=None)


def search(
    task: Task,
    file: Path,
    name: str,
    *,
    seed: int,
    box: TimeBox,
    also: Sequence[Recipe] = (),
    note: Callable[[tuple[Attempt, ...]], None] = lambda _: None,
) -> tuple[Attempt, ...]:
    """Go on with the study of that name until the time is up; all its finished trials.

    The defaults are its first trial, the recipes of ``also`` come next. ``note`` is told of all finished trials
    whenever there is one more.
    """
    study = _opened(file, name)
    first = [settings_of(recipe, task.rows) for recipe in (Recipe(), *also)]
    with suppress(OutOfTimeError):
        _Search(study, task, seed, box, first).run(note)
    return _finished(study)


@dataclass
class _Search:
    study: optuna.Study
    task: Task
    seed: int
    box: TimeBox
    first: list[dict[str, float]]

    def run(self, note: Callable[[tuple[Attempt, ...]], None]) -> None:
        """Trial after trial; out of time it raises."""
        usual: list[Floats] = []
        if _finished(self.study):  # it goes on, and of what the defaults had said only the losses were kept
            at = self.task.learner(recipe_of(self.first[0]))
            usual = [self.box.spend(at, origin) for origin in self.task.searched]
        while True:
            done = _finished(self.study)
            trial = self._next(len(done))
            said = self._judge(trial, done[0].losses if done else None)
            usual = usual or said
            self._close(trial, said, usual, best_of(done))
            note(_finished(self.study))

    def _next(self, done: int) -> optuna.Trial:
        """The next trial, drawn by the seed and by what has finished."""
        self.study.sampler = _sampler(self.seed, done)
        if done < len(self.first) and not any(one.state.name == "WAITING" for one in self.study.trials):
            self.study.enqueue_trial(dict(self.first[done]))
        trial = self.study.ask()
        for name, own in space(self.task.rows).items():
            if own.is_whole:
                trial.suggest_int(name, int(own.low), int(own.high), log=True)
            else:
                trial.suggest_float(name, own.low, own.high, log=True)
        return trial

    def _judge(self, trial: optuna.Trial, usual: tuple[float, ...] | None) -> list[Floats]:
        """What was said on each date, as far as the trial was worth its while.

        Dates differ in how hard they are, so what is reported is the mean loss so far less that of the defaults.
        """
        at, start = self.task.learner(recipe_of(trial.params)), self.box.clock()
        said: list[Floats] = []
        losses: list[float] = []
        try:
            for step, origin in enumerate(self.task.searched):
                said.append(self.box.spend(at, origin))
                losses.append(self.task.loss(self.task.happened(origin.test), said[-1]))
                trial.report(float(np.mean(losses) - np.mean((usual or losses)[: step + 1])), step)
                if step + 1 < len(self.task.searched) and trial.should_prune():
                    break
        except OutOfTimeError:
            _give_up(self.study, trial.number)
            raise
        trial.set_user_attr(LOSSES, losses)
        trial.set_user_attr(SECONDS, round(self.box.clock() - start, 3))
        return said

    def _close(self, trial: optuna.Trial, said: list[Floats], usual: list[Floats], best: Attempt | None) -> None:
        import optuna

        if len(said) < len(self.task.searched):
            self.study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return
        loss = float(np.mean(trial.user_attrs[LOSSES]))
        if best is not None and loss < best.loss:
            found = self.task.difference(self.task.searched, said, usual)
            trial.set_user_attr(DIFFERENCE, [found.value, found.low, found.high])
        self.study.tell(trial, loss)


def _opened(file: Path, name: str) -> optuna.Study:
    """The study, made where there is none; what was in the middle of a trial when it was killed has given it up."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    file.parent.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=optuna.storages.RDBStorage(f"sqlite:///{file.resolve()}"),
        study_name=name,
        load_if_exists=True,
        direction="minimize",
        pruner=optuna.pruners.MedianPruner(BEFORE_PRUNING, n_warmup_steps=DATES_BEFORE_PRUNING - 1),
    )
    for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        _give_up(study, trial.number)
    return study


def _give_up(study: optuna.Study, number: int) -> None:
    import optuna

    study.tell(number, state=optuna.trial.TrialState.FAIL)


def _sampler(seed: int, done: int) -> optuna.samplers.BaseSampler:
    import optuna

    own = int(np.random.SeedSequence([seed, done]).generate_state(1)[0])
    return optuna.samplers.TPESampler(seed=own, n_startup_trials=DRAWN_AT_RANDOM)


def _finished(study: optuna.Study) -> tuple[Attempt, ...]:
    import optuna

    states = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    found = sorted(study.get_trials(states=states), key=lambda trial: trial.number)
    return tuple(
        Attempt(
            number=number,
            is_complete=trial.state == optuna.trial.TrialState.COMPLETE,
            settings=dict(trial.params),
            losses=tuple(trial.user_attrs[LOSSES]),
            seconds=trial.user_attrs[SECONDS],
            difference=Difference(*trial.user_attrs[DIFFERENCE]) if DIFFERENCE in trial.user_attrs else None,
        )
        for number, trial in enumerate(found)
    )
