"""The order of the candidates: trees that see what every generator says of a candidate, and of whom.

Belongs here: training, scoring, the file. Does not belong here: candidates and their features (``candidates``), rules
and lists.

LambdaMART (Burges 2010) on windows whose outcome is known; the generators that it sees were fitted strictly before.
Deterministic: LightGBM grows the same trees with any number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.booster import COMPILED_ROWS, Trees
from ml.recommender.candidates import Candidates
from ml.recommender.sparse import Csr, Ints, matrix

LEAST_LISTS = 300
"""Customers with a purchase among their candidates; with fewer the blend's own order stands."""
MOST_PASSED_OVER = 300_000
"""Candidates that nobody bought, of all lists: so many teach as well as all (NDCG@10 on two earlier as-ofs of the demo
.2163 and .2129 with half of 650,000, .2146 and .2112 with all). Drawn blindly: drawn by rank, the trees would learn
from a bought candidate's low rank that it was bought."""
ROUNDS = 150
THREADS = 2
"""They change no bit of the trees."""
PARAMETERS = {
    "objective": "lambdarank",
    "lambdarank_truncation_level": 20,
    "num_leaves": 15,
    "learning_rate": 0.05,
    "min_data_in_leaf": 100,
    "lambda_l2": 5.0,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "deterministic": True,
    "force_col_wise": True,
    "verbose": -1,
}
SCORE_PLACES = 4

Shown = tuple[Candidates, NDArray[np.bool_]]
"""Candidates of some customers, and which of them were then bought, (candidates,)."""


@dataclass(frozen=True)
class Ranker:
    """Trees over named features."""

    trees: Trees

    def scores(self, found: Candidates, shape: tuple[int, int], *, threads: int = 1) -> Csr:
        """Customers by items: chances of the candidates among each other, rows that sum to one (softmax)."""
        if not len(found.rows):
            return matrix(np.empty(0), found.rows, found.items, shape)
        margin = self.trees.margin(found.X, threads, is_compiled=len(found.X) >= COMPILED_ROWS).round(SCORE_PLACES)
        highest = np.full(shape[0], -np.inf)
        np.maximum.at(highest, found.rows, margin)
        worth = np.exp(np.maximum(margin - highest[found.rows], -20))
        total = np.bincount(found.rows, worth, minlength=shape[0])
        return matrix(worth / total[found.rows], found.rows, found.items, shape)

    def save(self, path: Path) -> None:
        path.write_text(self.trees.text, encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Ranker:
        return cls(Trees.read(path))

    @property
    def features(self) -> list[str]:
        return list(self.trees.booster.feature_name())

    def gains(self) -> dict[str, float]:
        """Share of each feature in what the trees gained."""
        return dict(zip(self.features, self.trees.gains().tolist(), strict=True))


def learn_order(lists: Sequence[Shown], names: Sequence[str], *, seed: int, rounds: int = ROUNDS) -> Ranker | None:
    """Trees that put what was bought above the other candidates.

    Parameters
    ----------
    lists
        Windows or blocks whose outcome is known.

    Returns
    -------
    None where fewer than ``LEAST_LISTS`` customers bought any of their candidates.
    """
    X, label, sizes = teaching_rows(lists, seed)
    if len(sizes) < LEAST_LISTS:
        return None
    import lightgbm

    data = lightgbm.Dataset(X, label.astype(np.int32), group=sizes, feature_name=list(names))
    parameters: dict[str, Any] = {**PARAMETERS, "seed": seed, "num_threads": THREADS}
    return Ranker(Trees(lightgbm.train(parameters, data, num_boost_round=rounds).model_to_string()))


def teaching_rows(lists: Sequence[Shown], seed: int) -> tuple[NDArray[np.float32], NDArray[np.bool_], Ints]:
    """Rows of the customers who bought a candidate: features, labels, and the length of each one's list."""
    X, labels, sizes = [], [], [np.empty(0, np.int64)]
    of_buyers = [_of_buyers(found, bought) for found, bought in lists]
    passed_over = sum(int((own & ~bought).sum()) for own, (_, bought) in zip(of_buyers, lists, strict=True))
    share, draw = MOST_PASSED_OVER / max(passed_over, 1), np.random.default_rng(seed)
    for own, (found, bought) in zip(of_buyers, lists, strict=True):
        kept = own & (bought | (draw.random(len(own)) < share))
        X.append(found.X[kept])
        labels.append(bought[kept])
        sizes.append(np.unique(found.rows[kept], return_counts=True)[1])
    if not X:
        return np.empty((0, 0), np.float32), np.empty(0, bool), sizes[0]
    return np.concatenate(X), np.concatenate(labels), np.concatenate(sizes)


def _of_buyers(found: Candidates, bought: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which candidates are of customers who bought one of theirs: the others have no order to teach."""
    return (np.bincount(found.rows, bought, minlength=int(found.rows.max(initial=-1)) + 1) > 0)[found.rows]
