"""What a candidate generator is.

Belongs here: the protocol, and how generators read a customer's history. Does not belong here: a generator
(``ml.recommender.generators``: one file each, one line in the list there, nothing else moves).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ml.recommender.block import Block, Catalogue, Source, Texts
from ml.recommender.cuts import strongest
from ml.recommender.sparse import Csr, Ints, decayed, matrix

MOST_CANDIDATES = 100
"""Of one generator for one customer."""


class Generator(Protocol):
    """Learns from what was known before an as-of, then proposes items to blocks of customers.

    Its constructor takes its parameters and nothing else; they are kept in the model.
    """

    @property
    def name(self) -> str:
        """Published as the source of a row."""

    def fit(self, world: Source) -> None:
        """Learn from the customers who may be profiled, in one pass over ``world.blocks()`` or several.

        Counts must be whole numbers, so that block sizes and threads change no bit.
        """

    def score(self, block: Block) -> Csr:
        """Customers by items: an estimate of the share of each item in the customer's next purchases.

        Each row sums to one, or is empty where the generator has nothing to say; at most ``MOST_CANDIDATES`` entries.
        """

    def explain(self, block: Block, rows: Ints, items: Ints) -> Texts:
        """Words for chosen cells of ``score``, that the customer may read."""


def recent(block: Block, base: float) -> Csr:
    """Customers by items they bought, each purchase worth ``base`` to the power of the baskets that came later."""
    kept = block.lines > 0
    return matrix(decayed(block.steps[kept], base), block.rows[kept], block.items[kept], (len(block), block.width))


def because(history: Csr, near: Csr, rows: Ints, items: Ints, catalogue: Catalogue, *, is_sold: bool) -> Texts:
    """Words for items that followed from a customer's own: which of these adds most to ``history @ near``."""
    which = np.maximum(strongest(history, near, rows, items), 0)
    return f"Because you {'bought' if is_sold else 'chose'} " + catalogue.label(which)
