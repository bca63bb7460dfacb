"""The order of the candidates as a weighted sum of what is known of each.

Belongs here: the terms of the sum, their weights and how they are found. Does not belong here: the trees beside it
(``ranker``), features (``candidates``).

A conditional logit (McFadden 1974): the chance that a candidate is the one that was bought is the softmax of the sums
of a list. Trees put a slope together from steps, for which they need many lists; a sum has it from few, and knows no
"only if".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.recommender.candidates import OF_CUSTOMERS
from ml.recommender.sparse import Floats, Ints

Column = NDArray[np.float32]
BLOCK_ROWS = 16_384
"""Candidates whose terms stay in the cache."""
LEAST_SHARE, RANKS = 1e-6, 10
START = "blend", "log"
"""Where nothing was learned the sum is the logarithm of the blend, whose order it then keeps."""
RIDGE = 100.0
"""On weights of terms that spread by one. With it 100 lists teach a sum that is better than the blend in each of eight
windows before a test (films, toys, a wholesaler, the demo shop); a lower one is as good from 1,000 lists on."""
MOST_STEPS, ENOUGH = 12, 1e-5
"""Of Newton's method; the share of the loss that a step must gain for another one."""
SHARES_OF_A_STEP = (1.0, 0.5, 0.25, 0.125)
"""Tried one after the other until the loss falls."""
PLACES = 6

FORMS: Mapping[str, Callable[[Column], Column]] = {
    "log": lambda share: np.log(share + np.float32(LEAST_SHARE)),
    "root": np.sqrt,
    "reciprocal": lambda rank: np.float32(RANKS) / (np.float32(RANKS) + rank) * (rank > 0),
    "damped": lambda value: np.copysign(np.log(np.fmax(np.abs(value), np.float32(0)) + np.float32(1)), value),
}
"""How a feature enters the sum. Shares and ranks are always known; ``fmax`` makes zero of another that is not."""


def terms(features: Sequence[str]) -> list[tuple[int, str]]:
    """Column and form of each term; what is the same for a whole list orders nothing and is none.

    >>> terms(["ease", "ease_rank", "price", "customer_items"])
    [(0, 'log'), (0, 'root'), (1, 'reciprocal'), (2, 'damped')]
    """
    found: list[tuple[int, str]] = []
    for column, name in enumerate(features):
        if name.endswith("_rank"):
            found.append((column, "reciprocal"))
        elif f"{name}_rank" in features or name == "popularity":
            found += [(column, "log"), (column, "root")]
        elif name not in OF_CUSTOMERS:
            found.append((column, "damped"))
    return found


@dataclass(frozen=True)
class Linear:
    """A weight for each term."""

    features: tuple[str, ...]
    weights: tuple[float, ...]
    """(terms,)"""

    def margin(self, X: NDArray[np.float32]) -> Floats:
        """Sums, (candidates,); what is unknown adds nothing. No bit of one depends on who else is in ``X``."""
        total, own = np.zeros(len(X)), terms(self.features)
        for start in range(0, len(X), BLOCK_ROWS):
            part = slice(start, start + BLOCK_ROWS)
            for term, weight in zip(own, self.weights, strict=True):
                if weight:
                    total[part] += weight * values(X[part], term)
        return total

    def by_term(self) -> dict[str, float]:
        """The weights by feature and form."""
        return dict(zip(term_names(self.features), self.weights, strict=True))


def term_names(features: Sequence[str]) -> list[str]:
    """How the weights are called in files."""
    return [f"{features[column]} {form}" for column, form in terms(features)]


def values(X: NDArray[np.float32], term: tuple[int, str]) -> Column:
    """What a term adds at a weight of one, (candidates,)."""
    column, form = term
    return FORMS[form](X[:, column])


def learn_sum(X: NDArray[np.float32], bought: NDArray[np.bool_], sizes: Ints, features: Sequence[str]) -> Linear:
    """Weights under which what was bought was most likely; those of few lists stay near the blend's own order.

    Parameters
    ----------
    X, bought, sizes
        Rows of lists one after the other, which were bought, and how long each list is; somebody bought of each.
        Of a list with more purchases each counts less, so that all of it counts with their root.

    Notes
    -----
    Newton's method; the problem is convex. The same bits with any number of threads as long as BLAS has one.
    """
    own = terms(features)
    F = np.empty((len(own), len(X)), np.float32)
    for row, term in zip(F, own, strict=True):
        row[:] = values(X, term)
    spread = F.std(axis=1, dtype=np.float64)
    scale = np.divide(1, spread, out=np.zeros(len(own)), where=spread > 0)
    F -= F.mean(axis=1, dtype=np.float64)[:, None].astype(np.float32)
    F *= scale[:, None].astype(np.float32)
    start = np.where([(features[column], form) == START for column, form in own], spread, 0.0)
    weights = _newton(F, bought.astype(np.float64), sizes, start)
    return Linear(tuple(features), tuple((weights * scale).round(PLACES).tolist()))


def _newton(F: NDArray[np.float32], bought: Floats, sizes: Ints, start: Floats) -> Floats:
    starts = np.cumsum(sizes) - sizes
    count = np.add.reduceat(bought, starts)
    wanted = bought / np.repeat(np.sqrt(count), sizes)

    def at(weights: Floats) -> tuple[float, Floats]:
        """Loss, and the chance of each candidate in its list."""
        total = (weights.astype(np.float32) @ F).astype(np.float64)
        total -= np.repeat(np.maximum.reduceat(total, starts), sizes)
        worth = np.exp(total)
        whole = np.add.reduceat(worth, starts)
        loss = -float(wanted @ (total - np.repeat(np.log(whole), sizes)))
        return loss + RIDGE * float(((weights - start) ** 2).sum()), worth / np.repeat(whole, sizes)

    weights = start
    loss, chance = at(weights)
    for _ in range(MOST_STEPS):
        expected = chance * np.repeat(np.sqrt(count), sizes)
        slope = F @ (wanted - expected).astype(np.float32) - 2 * RIDGE * (weights - start)
        mean = np.add.reduceat(F * chance.astype(np.float32), starts, axis=1) * count.astype(np.float32) ** 0.25
        apart = F * np.sqrt(expected).astype(np.float32)
        curve = (apart @ apart.T - mean @ mean.T).astype(np.float64) + 2 * RIDGE * np.eye(len(F))
        step = np.linalg.solve(curve, slope)
        for part in SHARES_OF_A_STEP:
            ahead, chance = at(weights + part * step)
            if ahead < loss:
                break
        else:
            break
        weights, before, loss = weights + part * step, loss, ahead
        if before - loss < ENOUGH * before:
            break
    return weights
