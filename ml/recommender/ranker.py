"""The order of the candidates, by what every generator says of each, and of whom.

Belongs here: training, scoring, the files. Does not belong here: candidates and their features (``candidates``), the
sum (``linear``), rules and lists.

The mean of two that err differently, LambdaMART (Burges 2010) and a conditional logit, both of windows whose outcome is
known; the generators that they see were fitted strictly before. Both margins are logarithms of chances, so that none
has to be scaled. The sum learns from few lists, the trees join it where there are many. Deterministic: LightGBM grows
the same trees with any number of threads.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.booster import COMPILED_ROWS, Trees
from ml.model import ModelFileError
from ml.recommender.candidates import Candidates
from ml.recommender.linear import Linear, learn_sum, term_names
from ml.recommender.sparse import Csr, Floats, Ints, matrix

LEAST_LISTS, LEAST_LISTS_OF_TREES = 100, 1000
"""Customers with a purchase among their candidates; with fewer the blend's own order stands, or the sum's."""
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
    """A sum, and trees over the same features."""

    linear: Linear
    trees: Trees | None = None

    def scores(self, found: Candidates, shape: tuple[int, int], *, threads: int = 1) -> Csr:
        """Customers by items: chances of the candidates among each other, rows that sum to one (softmax)."""
        if not len(found.rows):
            return matrix(np.empty(0), found.rows, found.items, shape)
        margin = self.margin(found.X, threads=threads)
        highest = np.full(shape[0], -np.inf)
        np.maximum.at(highest, found.rows, margin)
        worth = np.exp(np.maximum(margin - highest[found.rows], -20))
        total = np.bincount(found.rows, worth, minlength=shape[0])
        return matrix(worth / total[found.rows], found.rows, found.items, shape)

    def margin(self, X: NDArray[np.float32], *, threads: int = 1) -> Floats:
        """Logarithms of chances, up to what is the same for a whole list; (candidates,)."""
        margin = self.linear.margin(X)
        if self.trees:
            margin = (margin + self.trees.margin(X, threads, is_compiled=len(X) >= COMPILED_ROWS)) / 2
        return margin.round(SCORE_PLACES)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        content = {"has_trees": self.trees is not None, "weights": self.linear.by_term()}
        (folder / "ranker.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        if self.trees:
            (folder / "ranker.txt").write_text(self.trees.text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, features: Sequence[str]) -> Ranker:
        """Of a folder.

        Raises
        ------
        FileNotFoundError, json.JSONDecodeError
        ModelFileError
            The trees are not whole, or the ranker asks for other features.
        """
        content = json.loads((folder / "ranker.json").read_text(encoding="utf-8"))
        trees = Trees.read(folder / "ranker.txt") if content["has_trees"] else None
        of_trees = trees.booster.feature_name() if trees else list(features)
        if list(content["weights"]) != term_names(features) or of_trees != list(features):
            raise ModelFileError("its ranker asks for features of another release")
        return cls(Linear(tuple(features), tuple(content["weights"].values())), trees)

    @property
    def features(self) -> list[str]:
        return list(self.linear.features)

    def gains(self) -> dict[str, float]:
        """Share of each feature in what the trees gained."""
        return dict(zip(self.features, self.trees.gains().tolist(), strict=True)) if self.trees else {}


def learn_order(lists: Sequence[Shown], names: Sequence[str], *, seed: int, rounds: int = ROUNDS) -> Ranker | None:
    """A ranker that puts what was bought above the other candidates.

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
    linear = learn_sum(X, label, sizes, names)
    if len(sizes) < LEAST_LISTS_OF_TREES:
        return Ranker(linear)
    import lightgbm

    data = lightgbm.Dataset(X, label.astype(np.int32), group=sizes, feature_name=list(names))
    parameters: dict[str, Any] = {**PARAMETERS, "seed": seed, "num_threads": THREADS}
    return Ranker(linear, Trees(lightgbm.train(parameters, data, num_boost_round=rounds).model_to_string()))


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
