"""Pictures of a search: how it went, and what each setting did.

Belongs here: figures for people. Does not belong here: the frame that all figures share (``ml.figures``), and where
they are kept (``tracked``).
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from ml.figures import COLOURS, FAINT, frame
from ml.tuning.study import Attempt
from ml.tuning.task import Task

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(task: Task, attempts: tuple[Attempt, ...]) -> dict[str, Figure]:
    """One figure by file name; none before two trials are complete."""
    complete = [one for one in attempts if one.is_complete]
    if len(complete) < 2:
        return {}
    return {"history.png": history(task, attempts, complete), "settings.png": settings(task, complete)}


def history(task: Task, attempts: tuple[Attempt, ...], complete: list[Attempt]) -> Figure:
    """The loss of each trial, the best so far, and where trials were stopped."""
    figure, (axes,) = frame(8, 4)
    losses = [one.loss for one in complete]
    best, usual = list(accumulate(losses, min)), losses[0]
    stopped = [one.number for one in attempts if not one.is_complete]
    axes.axhline(usual, color=FAINT, linewidth=1.3, linestyle="--", label="defaults")
    numbers = [one.number for one in complete]
    axes.scatter(numbers, losses, s=22, color=COLOURS[0], label="judged on all dates", zorder=3)
    axes.step(
        [*numbers, attempts[-1].number], [*best, best[-1]], where="post", color=COLOURS[1], linewidth=1.8,
        label="best so far",
    )  # fmt: skip
    _focus(axes, losses, usual)
    bottom = axes.get_ylim()[0]
    axes.scatter(
        stopped, [bottom] * len(stopped), marker="x", s=22, color=COLOURS[2], clip_on=False, label="stopped early"
    )
    axes.set(xlabel="trial", ylabel=_spoken(task), title=f"Search of settings for {task.model}")
    axes.legend(frameon=False, loc="upper right", fontsize=8)
    return figure


def settings(task: Task, complete: list[Attempt]) -> Figure:
    """The loss against each setting; the defaults stand out."""
    figure, axes = frame(10, 6, rows=2, columns=3)
    losses = np.array([one.loss for one in complete])
    for one, name in zip(axes, complete[0].settings, strict=True):
        values = [attempt.settings[name] for attempt in complete]
        one.scatter(values, losses, s=18, color=COLOURS[0], alpha=0.7)
        one.scatter(values[:1], losses[:1], s=60, color=COLOURS[1], marker="D", zorder=3, label="defaults")
        one.set(xlabel=name.replace("_", " "), xscale="log")
        one.minorticks_off()
        ticks = np.unique(np.geomspace(min(values), max(values), 4))
        one.set_xticks(ticks, [f"{tick:.2g}" for tick in ticks])
        _focus(one, losses.tolist(), losses[0])
    axes[0].legend(frameon=False, fontsize=8)
    figure.supylabel(_spoken(task))
    return figure


def _spoken(task: Task) -> str:
    return f"{task.metric}, mean of {len(task.searched)} dates"


def _focus(axes: Axes, losses: list[float], usual: float) -> None:
    """Leave room for the better half and for the defaults; a few very poor trials would hide all differences."""
    low, high = min(losses), max(float(np.quantile(losses, 0.8)), usual)
    room = max(high - low, 1e-6) * 0.15
    axes.set_ylim(low - room, high + 2 * room)
