"""What a candidate generator is.

Belongs here: the protocol. Does not belong here: a generator (``ml.recommender.generators``: one file each, one line
in the list there, nothing else moves).
"""

from __future__ import annotations

from typing import Protocol

from ml.recommender.block import Block, Texts
from ml.recommender.data import World
from ml.recommender.sparse import Csr, Ints

MOST_CANDIDATES = 100
"""Of one generator for one customer."""


class Generator(Protocol):
    """Learns from what was known before an as-of, then proposes items to blocks of customers.

    Its constructor takes its parameters and nothing else; they are kept in the model.
    """

    @property
    def name(self) -> str:
        """Published as the source of a row."""

    def fit(self, world: World) -> None:
        """Learn from the customers who may be profiled, in one pass over ``world.blocks()`` or several.

        Counts must be whole numbers, so that block sizes and threads change no bit.
        """

    def score(self, block: Block) -> Csr:
        """Customers by items: an estimate of the share of each item in the customer's next purchases.

        Each row sums to one, or is empty where the generator has nothing to say; at most ``MOST_CANDIDATES`` entries.
        """

    def explain(self, block: Block, rows: Ints, items: Ints) -> Texts:
        """Words for chosen cells of ``score``, that the customer may read."""
