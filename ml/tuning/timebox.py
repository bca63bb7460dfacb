"""A bounded stretch of time, filled with trainings.

Belongs here: whether one more fits in. Does not belong here: what they are for (``study``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ml.evaluation import Floats
from ml.rolling import Origin

CONFIRMING = 2
"""Trainings that are kept room for: the best settings and the defaults on the date that confirms."""


class OutOfTimeError(RuntimeError):
    """The next training would end after the time that was given."""


@dataclass
class TimeBox:
    """A bounded stretch of time. What has been done says how long the next training will take."""

    seconds: float
    clock: Callable[[], float]
    longest: float = 0.0
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock()

    def spend(self, work: Callable[[Origin], Floats], origin: Origin) -> Floats:
        """Train at a date, if that and the confirmation still fit in."""
        start = self.clock()
        if start - self.began + (1 + CONFIRMING) * self.longest >= self.seconds:
            raise OutOfTimeError
        said = work(origin)
        self.longest = max(self.longest, self.clock() - start)
        return said
