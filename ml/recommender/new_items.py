"""How items that a customer has not had stand among each other, where lists hold repeats as well.

Belongs here: the second blend and ranker, which know of nothing but first purchases, and how what they say joins the
first order. Does not belong here: how much all that is new counts against what is known, which the first order says;
which places new items take (``lists``).

Where most purchases are repeats, one order for all learns mostly what is bought again, and most candidates are known
items. So the chance of a new item is that of anything new, by the first order, times that of the item among the new, by
a model that learned from these alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.recommender.blend import Blend
from ml.recommender.block import Block
from ml.recommender.candidates import Candidates, Context, candidates
from ml.recommender.ranker import Ranker
from ml.recommender.sparse import Csr, Floats, Ints, canonical, cells, matrix

LEAST_CHANCE = 1e-3
"""That a customer's next purchase is something new: below the last of a list's places, above nothing at all, so that
who has more known candidates than the first order looks at has something to discover, too."""
TIMES_AS_DEEP = 2
"""How many new items are looked at for each candidate of the first order. What will be discovered stands deeper in any
blend than what is bought again: in two windows before the test of Online Retail II recall@10 of discoveries was .064
and .064 by one order for all, .074 and .071 with 40 new candidates, .098 and .080 with 100, .112 and .084 with 200."""
CUSTOMERS = 2_000
"""Whose features lie in memory at once."""


@dataclass(frozen=True)
class NewItems:
    """Picks and orders what a customer has not had."""

    blend: Blend
    ranker: Ranker
    most_candidates: int

    @classmethod
    def of(cls, content: Mapping[str, Any], ranker: Ranker) -> NewItems:
        """Of what ``content`` gave."""
        return cls(Blend(np.array(content["weights"])), ranker, int(content["most_candidates"]))

    def content(self) -> dict[str, Any]:
        """All but the ranker, as JSON holds it."""
        return {"weights": self.blend.weights.tolist(), "most_candidates": self.most_candidates}

    def shared_out(self, scores: Csr, block: Block, context: Context, proposals: Sequence[Csr]) -> Csr:
        """Scores in which each customer's sum over new items is divided among these anew; known ones keep theirs.

        Parameters
        ----------
        scores
            Customers by items, rows that sum to one.
        proposals
            Of each generator, known items among them.
        """
        rows, items, worth = cells(scores)
        is_new = ~block.bought.contains(rows, items)
        anything_new = np.maximum(np.bincount(rows[is_new], worth[is_new], scores.shape[0]), LEAST_CHANCE)
        new_rows, new_items, share = self._among_new(block, context, proposals)
        return matrix(
            np.append(worth[~is_new], anything_new[new_rows] * share),
            np.append(rows[~is_new], new_rows), np.append(items[~is_new], new_items), scores.shape,
        )  # fmt: skip

    def _among_new(self, block: Block, context: Context, proposals: Sequence[Csr]) -> tuple[Ints, Ints, Floats]:
        """Row, item and chance of each new candidate; so few customers at a time that their features take little."""
        parts = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))]
        for start in range(0, len(block), CUSTOMERS):
            who = np.arange(start, min(start + CUSTOMERS, len(block)))
            own = block.only(who)
            new = only_new([proposal[who] for proposal in proposals], own)
            found = new_candidates(self.blend, self.most_candidates, own, context, new)
            rows, items, share = cells(self.ranker.scores(found, (len(own), own.width)))
            parts.append((rows + start, items, share))
        rows, items, share = (np.concatenate(of) for of in zip(*parts, strict=True))
        return rows, items, share


def only_new(proposals: Sequence[Csr], block: Block) -> list[Csr]:
    """The proposals without what each customer has had; an item's rank is then that among the new."""
    out = []
    for proposal in proposals:
        rows, items, shares = cells(proposal)
        is_new = ~block.bought.contains(rows, items)
        start = np.append(0, np.cumsum(is_new))[proposal.indptr]
        out.append(canonical(start, items[is_new], shares[is_new], proposal.shape))
    return out


def new_candidates(blend: Blend, most: int, block: Block, context: Context, new: Sequence[Csr]) -> Candidates:
    """The best of the blend among what is new (``only_new``), with their features."""
    return candidates(block, context, new, blend.best(new, block.purchases, most))
