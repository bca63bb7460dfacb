"""How well rankings foretold what was bought.

Belongs here: ranks over the whole catalogue and metrics of customers. Does not belong here: who ranks
(``ml.recommender.backtest``).

Every item is ranked, none is sampled away: sampled metrics do not keep the order of models (Krichene, Rendle 2020).
Ties get their mean rank, so that the order of item ids decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.recommender.block import Flags
from ml.recommender.sparse import Floats, Ints, Pairs, runs

LENGTHS = (5, 10, 20)


def mean_ranks(scores: Floats, rows: Ints, items: Ints) -> Floats:
    """Rank, from 1, of each wanted cell within its row of ``scores`` (customers, items).

    Each row is sorted once, however much of it is wanted."""
    own, ascending, ahead = scores[rows, items], np.sort(scores, axis=1), np.empty(len(rows))
    for row, start, size in zip(*runs(rows), strict=True):
        wanted = slice(start, start + size)
        ahead[wanted] = _ahead(ascending[row], own[wanted])
    return ahead + 0.5


def ranks_without(hidden: Pairs, ranks: Floats, scores: Floats, rows: Ints, items: Ints) -> Floats:
    """The ranks as they were if the hidden cells, none of which is wanted, were not there."""
    own, ahead = scores[rows, items], np.empty(len(rows))
    starts, columns = hidden.by_row(len(scores))
    for row, start, size in zip(*runs(rows), strict=True):
        wanted, out = slice(start, start + size), columns[starts[row] : starts[row + 1]]
        ahead[wanted] = _ahead(np.sort(scores[row, out]), own[wanted])
    return ranks - ahead


def _ahead(ascending: Floats, own: Floats) -> Floats:
    """How many of the scores are higher than each of ``own``; of equal ones half count."""
    below, up_to = ascending.searchsorted(own, "left"), ascending.searchsorted(own, "right")
    return np.asarray(len(ascending) - up_to + (up_to - below) / 2)


@dataclass(frozen=True)
class Hits:
    """What customers bought in the window, and where one method ranked it."""

    customers: int
    rows: Ints
    """Judged customer of each purchase, from 0."""
    is_repeat: Flags
    """Bought before the window, too."""
    ranks: Floats

    def recall(self, length: int, of: Flags | None = None) -> Floats:
        """Share of each customer's purchases within the first places; NaN for who has none ``of`` that kind."""
        kept = np.ones(len(self.rows), bool) if of is None else of
        wanted = np.bincount(self.rows[kept], minlength=self.customers).astype(float)
        found = np.bincount(self.rows[kept & (self.ranks <= length)], minlength=self.customers)
        return np.divide(found, wanted, out=np.full(self.customers, np.nan), where=wanted > 0)

    def ndcg(self, length: int) -> Floats:
        """Normalised discounted cumulative gain of each customer (Jarvelin, Kekalainen 2002), relevance 0 or 1."""
        gain = np.where(self.ranks <= length, 1 / np.log2(self.ranks + 1), 0.0)
        got = np.bincount(self.rows, gain, self.customers)
        best = np.cumsum(1 / np.log2(np.arange(2, length + 2)))
        wanted = np.bincount(self.rows, minlength=self.customers)
        return got / best[np.clip(wanted, 1, length) - 1]

    def summary(self) -> dict[str, float]:
        """Means over customers."""
        means = {f"recall_at_{length}": float(self.recall(length).mean()) for length in LENGTHS}
        repeat, explore = (self.recall(10, kind) for kind in (self.is_repeat, ~self.is_repeat))
        return means | {
            "ndcg_at_10": float(self.ndcg(10).mean()),
            "repeat_recall_at_10": _mean(repeat),
            "explore_recall_at_10": _mean(explore),
        }


def _mean(values: Floats) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
