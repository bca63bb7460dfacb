"""What a backtest of value tells: predictions beside what happened, in all, by date and by segment.

Belongs here: the figures of one backtest. Does not belong here: making its models (``ml.value.training``), the
judgement (``ml.value.gate``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from ml.amounts import Metrics, coverage, evaluate, interval_loss
from ml.evaluation import Floats, groups
from ml.rolling import Judged
from ml.segments import Flags
from ml.value.interval import COVERED


@dataclass(frozen=True)
class Backtest:
    """Predictions at the newest snapshots whose outcome is known, each by models that could not have known it."""

    judged: Judged
    """Net spend, nothing below 0, and what was said of it by ``model``, ``historical_average``, ``frequency_x_value``,
    ``fallback`` and, where there are any, the classical ``pareto_nbd_gamma_gamma`` and the ``champion``."""
    kind: str
    """``time``: learned before, judged after. ``customers``: too little history, judged on other customers of the
    same time, which flatters the level."""
    metrics: dict[str, Metrics]
    """By model, over all dates."""
    segments: dict[str, Flags]
    """By name, the rows of customers that are looked at apart."""
    orders: Metrics
    """The same of expected orders."""
    low: Floats
    high: Floats
    """Ends of each row's interval for eight of ten."""
    history: tuple[Floats, Floats]
    """Such ends by historical quantiles, which the interval is held against."""
    factors: Mapping[date, float]
    """What the season did to the model's own sum."""
    champion_unfit: str | None = None
    """Why the champion could not be judged on today's features, if so."""

    @property
    def dates(self) -> tuple[date, ...]:
        return self.judged.dates

    @property
    def y(self) -> Floats:
        return self.judged.y

    @property
    def predictions(self) -> dict[str, Floats]:
        return self.judged.said

    @property
    def coverage(self) -> float:
        """Share of rows within the interval, meant to be .8."""
        return coverage(self.y, self.low, self.high)

    @property
    def coverage_by_decile(self) -> list[float]:
        """The same among equal groups by what was expected, lowest first."""
        group = groups(self.predictions["model"], 10)
        own = [group == k for k in np.unique(group)]
        return [coverage(self.y[rows], self.low[rows], self.high[rows]) for rows in own]

    @property
    def interval_losses(self) -> dict[str, Floats]:
        """Of each row, (rows,), by whose interval it is; their means are interval scores."""
        ends = {"model": (self.low, self.high), "historical_quantiles": self.history}
        return {name: interval_loss(self.y, *own, covered=COVERED) for name, own in ends.items()}


def by_segment(backtest: Backtest) -> dict[str, Metrics]:
    """Metrics of the model among the customers of each segment."""
    rows = {name: backtest.judged.rows(inside) for name, inside in backtest.segments.items()}
    return {name: evaluate(own.y, own.said["model"]) for name, own in rows.items()}


def by_date(backtest: Backtest) -> dict[date, dict[str, Metrics]]:
    """Metrics of each model on each date."""
    rows = {day: backtest.judged.at(day) for day in backtest.dates}
    return {
        day: {name: evaluate(own.y, p) for name, p in own.said.items() if np.isfinite(p).all()}
        for day, own in rows.items()
    }
