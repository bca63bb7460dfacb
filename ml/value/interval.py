"""Between which amounts eight of ten customers end.

Belongs here: the interval's construction. Does not belong here: measuring how many it covers (``ml.amounts``).

Empirical: among customers of a later snapshot with a like prediction, by an earlier model, the range of
outcome over prediction. Its coverage is measured on the backtest, at a date that neither has seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.evaluation import Floats

COVERED = 0.8
TAIL = (1 - COVERED) / 2
GROUPS, FEWEST_IN_GROUP = 10, 50


@dataclass(frozen=True)
class Interval:
    """By group of prediction over mean prediction: the ends of outcome over prediction.

    ``edges`` part the groups, (groups - 1,); ``low`` and ``high`` have one entry per group.
    """

    edges: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def ends(self, p: Floats, mean: float) -> tuple[Floats, Floats]:
        """Lower and upper end for predictions whose population has that mean; the prediction lies within."""
        group = np.searchsorted(self.edges, p / max(mean, 1e-12), side="right")
        return p * np.minimum(np.asarray(self.low)[group], 1), p * np.maximum(np.asarray(self.high)[group], 1)


def fit_interval(y: Floats, p: Floats) -> Interval:
    """The narrower of two: from nothing up, where a tenth or more end with nothing; else the tails cut alike."""
    relative = p / max(p.mean(), 1e-12)
    edges = _edges(relative)
    group, ratio = np.searchsorted(edges, relative, side="right"), y / np.maximum(p, 1e-12)
    ends = [_ends(ratio[group == k]) for k in range(len(edges) + 1)] if len(y) else [(0.0, 1.0)]
    low, high = zip(*ends, strict=True)
    return Interval(edges, low, high)


def _edges(values: Floats) -> tuple[float, ...]:
    """What parts them into groups alike in size, fewer where ties leave one with too few of its own."""
    count = int(np.clip(len(values) // FEWEST_IN_GROUP, 1, GROUPS))
    ordered, edges, taken = np.sort(values), [], 0
    for edge in np.quantile(values, np.arange(1, count) / count) if count > 1 else ():
        below = int(np.searchsorted(ordered, edge))
        if min(below - taken, len(values) - below) >= FEWEST_IN_GROUP:
            edges.append(float(edge))
            taken = below
    return tuple(edges)


def historical_quantiles(spent: Floats, y: Floats, asked: Floats) -> tuple[Floats, Floats]:
    """What an interval is held against: where eight of ten ended whose ``spent`` of before was like that ``asked``.

    Parameters
    ----------
    spent, y
        What customers of dates whose outcome is known had spent, and what they then did, (rows,).
    asked
        What those had spent whose ends are wanted, (customers,).
    """
    edges = np.quantile(spent, np.arange(1, GROUPS) / GROUPS)
    group, whole = np.searchsorted(edges, spent, side="right"), _ends(y)
    ends = np.array([_ends(y[group == k]) if (group == k).any() else whole for k in range(GROUPS)])
    own = np.searchsorted(edges, asked, side="right")
    return ends[own, 0], ends[own, 1]


def _ends(values: Floats) -> tuple[float, float]:
    """The narrower of two ranges of eight in ten: from nothing up, or with the tails cut alike."""
    starts = 0.0 if (values <= 0).mean() >= TAIL else TAIL
    return (0.0 if starts == 0 else float(np.quantile(values, TAIL))), float(np.quantile(values, starts + COVERED))
