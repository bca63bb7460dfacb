"""How much each generator counts, by how much a customer has bought.

Belongs here: the weights of a mixture and how they are found. Does not belong here: generators, filters.

Every generator estimates shares of the customer's next purchases, so their weighted sum is one, too (linear
interpolation, Jelinek and Mercer 1980). The weights are those under which the purchases of a past window were most
likely, by expectation maximisation (Dempster et al. 1977); the problem is convex, so the start does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml.recommender.cuts import best_of_sum, weighted_sum
from ml.recommender.sparse import Csr, Floats, Ints

HISTORY_STEPS = (1, 2, 4, 8, 16)
"""Customers are told apart by the items they have bought: none, 1, 2 or 3, 4 to 7, 8 to 15, 16 and more."""
ROUNDS = 200
POOLED_PURCHASES = 100
"""How many purchases of all customers stand beside a group's own."""
PLACES = 6


def history_group(purchases: Ints) -> Ints:
    """Index of each customer's group, 0 for those who have bought nothing."""
    return np.searchsorted(np.array(HISTORY_STEPS), purchases, side="right").astype(np.int64)


@dataclass(frozen=True)
class Blend:
    """Weight of each generator for each group of customers; rows sum to one."""

    weights: Floats
    """(groups, generators)"""

    def group_weights(self, purchases: Ints) -> Floats:
        """Weights of each customer, (customers, generators)."""
        return self.weights[history_group(purchases)]

    def scores(self, proposals: Sequence[Csr], purchases: Ints) -> Csr:
        """Customers by items: the estimated share of each item in the customer's next purchases."""
        return weighted_sum(proposals, self.group_weights(purchases), PLACES + 3)

    def best(self, proposals: Sequence[Csr], purchases: Ints, count: int) -> Csr:
        """The ``count`` highest of ``scores`` of each customer."""
        return best_of_sum(proposals, self.group_weights(purchases), count, PLACES + 3)


def even(generators: int) -> Blend:
    """Where nothing could be learned."""
    return Blend(np.full((len(HISTORY_STEPS) + 1, generators), round(1 / generators, PLACES)))


def learn(shares: Floats, groups: Ints) -> Blend:
    """Weights under which what was bought was most likely.

    Parameters
    ----------
    shares
        What each generator gave to each item that was then bought, (purchases, generators); rows of zeros teach
        nothing.
    groups
        History group of the customer of each row.
    """
    taught = shares.sum(axis=1) > 0
    shares, groups = shares[taught], groups[taught]
    if not len(shares):
        return even(shares.shape[1])
    pooled = _maximise(shares, np.full(shares.shape[1], 1 / shares.shape[1]), None)
    rows = [_maximise(shares[groups == group], pooled, pooled) for group in range(len(HISTORY_STEPS) + 1)]
    return Blend(np.array(rows).round(PLACES))


def _maximise(shares: Floats, start: Floats, prior: Floats | None) -> Floats:
    weights, own = start, np.zeros_like(start) if prior is None else POOLED_PURCHASES * prior
    for _ in range(ROUNDS if len(shares) else 0):
        part = shares * weights
        credit = (part / np.maximum(part.sum(axis=1, keepdims=True), 1e-300)).sum(axis=0) + own
        weights = credit / credit.sum()
    return weights
