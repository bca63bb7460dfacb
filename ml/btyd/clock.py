"""Time counted in days at the usual pace: it runs faster while a shop is busy.

Belongs here: how many such days lie behind and ahead of an as-of. Does not belong here: finding out how busy a shop
is (``ml.btyd.seasonal``), and the models that are told the time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.btyd.statistics import Statistics
from ml.evaluation import Floats


@dataclass(frozen=True)
class Clock:
    """``behind[k]`` and ``ahead[k]``: days at the usual pace within the last, and within the next, k days."""

    behind: Floats
    ahead: Floats
    beyond: float = 1.0
    """Pace of the days after those of ``ahead``."""

    @classmethod
    def of_speed(cls, behind: Floats, ahead: Floats, beyond: float = 1.0) -> Clock:
        """From the pace of each day: entry k of ``behind`` is k + 1 days before the as-of, of ``ahead`` k after."""
        back, forth = (np.concatenate([[0.0], np.cumsum(part)]) for part in (behind, ahead))
        return cls(back, forth, beyond)

    def elapsed(self, days: Floats) -> Floats:
        return np.interp(days, np.arange(len(self.behind)), self.behind)

    def coming(self, days: Floats) -> Floats:
        """Days at the usual pace within the next ``days``, however many."""
        told = len(self.ahead) - 1
        return np.interp(days, np.arange(told + 1), self.ahead) + np.maximum(days - told, 0) * self.beyond

    def read(self, stats: Statistics) -> Statistics:
        """The same customers, in days at the usual pace."""
        age = self.elapsed(stats.age)
        recency = age - self.elapsed(stats.age - stats.recency)
        return Statistics(stats.frequency, np.where(stats.frequency > 0, recency, 0.0), age)
