"""What lies near the customer in a space of few dimensions: matrix factorisation for implicit feedback."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import vstack

from ml.recommender.block import Block, Catalogue, Source, Texts
from ml.recommender.cuts import best_of_dense
from ml.recommender.protocol import MOST_CANDIDATES, recent
from ml.recommender.sparse import Barred, Csr, Ints, matrix, normalised
from ml.splits import HASH_SPACE, customer_hash

Single = NDArray[np.float32]
MOST_CUSTOMERS = 200_000
"""Who teach the items' factors, a hashed sample; everybody's own factors follow from these."""
CELLS = 4_000_000
"""Customers times items that are scored at once."""


@dataclass
class Factors:
    """Alternating least squares (Hu, Koren, Volinsky 2008).

    A purchase has confidence ``1 + confidence``, everything else 1. Customers are folded in exactly, so that nobody's
    factors are kept.
    """

    dimensions: int = 64
    regularisation: float = 5.0
    confidence: float = 10.0
    iterations: int = 8
    recency: float = 0.9
    """What each basket back counts when the customer's own history is read."""
    seed: int = 7
    name: str = field(default="factors", init=False)

    def fit(self, world: Source) -> None:
        self.catalogue: Catalogue = world.catalogue
        own = _sample(world)
        bought_by = own.T.tocsr()
        rng = np.random.default_rng(self.seed)
        size = (world.catalogue.size, self.dimensions)
        items = (rng.standard_normal(size) / self.dimensions).astype(np.float32)
        for _ in range(self.iterations if own.nnz else 0):
            items = self._solve(bought_by, self._solve(own, items))
        self.items: Single = np.where(np.diff(bought_by.indptr)[:, None] > 0, items, 0).astype(np.float32)

    def score(self, block: Block, barred: Barred) -> Csr:
        mine = self.customers(block)
        step = max(CELLS // max(block.width, 1), 1)
        starts, columns = barred.pairs.by_row(len(block))
        parts = []
        for start in range(0, len(block), step):
            worth = np.maximum(mine[start : start + step] @ self.items.T, 0)
            bounds = starts[start : start + len(worth) + 1]
            worth[np.repeat(np.arange(len(worth)), np.diff(bounds)), columns[bounds[0] : bounds[-1]]] = 0
            if barred.closed.any():
                worth[barred.closed[barred.kinds[start : start + step]]] = 0
            parts.append(best_of_dense(worth, MOST_CANDIDATES))
        if not parts:
            return matrix(np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64), (0, block.width))
        return normalised(vstack(parts).tocsr().astype(float))

    def customers(self, block: Block) -> Single:
        """Factors of each customer, (customers, dimensions)."""
        return self._solve(recent(block, self.recency), self.items)

    def explain(self, block: Block, rows: Ints, items: Ints) -> Texts:  # noqa: ARG002
        return np.full(len(items), "Customers like you chose it", dtype=object)

    def _solve(self, own: Csr, others: Single) -> Single:
        """Factors of each row of ``own``, (rows, dimensions), given those of its columns."""
        from ml.recommender.solver import least_squares

        gram = others.T @ others + np.eye(self.dimensions, dtype=np.float32) * np.float32(self.regularisation)
        worth = own.data.astype(np.float32) * np.float32(self.confidence)
        return least_squares(own.indptr, own.indices, worth, others, gram)


def _sample(world: Source) -> Csr:
    """Customers by items, 1 where it was bought; of at most about ``MOST_CUSTOMERS``."""
    everybody = sum(len(block) for block in world.blocks())
    limit = HASH_SPACE * MOST_CUSTOMERS // max(everybody, MOST_CUSTOMERS)
    parts = [matrix(np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64), (0, world.catalogue.size))]
    for block in world.blocks():
        own = block.spread((block.lines > 0).astype(np.int64))
        own.data = np.ones(len(own.data))
        if limit < HASH_SPACE:
            own = own[[customer_hash(customer) < limit for customer in block.customers]]
        parts.append(own)
    return vstack(parts).tocsr()
