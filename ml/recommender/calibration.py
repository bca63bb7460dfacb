"""Lists that mix categories as the customer does, so that the largest taste does not crowd out the others.

Belongs here: the order in which candidates are taken. Does not belong here: what may be taken (``rules``), where
discovery slots are (``lists``).

Calibrated recommendations (Steck 2018): items are taken one by one, each time the one that adds most to the sum of
scores less the divergence between the customer's own shares of categories and those of the list so far.
"""

from __future__ import annotations

import numpy as np

from ml.recommender.block import Block, Catalogue, Flags
from ml.recommender.cuts import ranked
from ml.recommender.popularity import Popularity
from ml.recommender.sparse import Csr, Floats, Ints, places

CONSIDERED = 40
"""The best candidates of each customer, of which the order may change."""
PRIOR_PURCHASES = 5.0
"""What the shop's own mix counts beside the customer's, in purchases."""
BLUR = 0.05
"""Share of the wanted mix within the list's, so that a category not yet there is no infinite loss."""


def calibrated(
    scores: Csr, block: Block, catalogue: Catalogue, popular: Popularity, length: int, strength: float
) -> tuple[Ints, Ints, Floats]:
    """Row, item and score of each entry; by row, the first ``length`` in calibrated order, the others by score.

    Parameters
    ----------
    scores
        Customers by items, rows that sum to one or less.
    strength
        From 0, scores alone, to 1, the mix alone.
    """
    category, names = catalogue.categories
    rows, items, values = ranked(scores)
    if strength <= 0 or len(names) < 2 or not len(rows):
        return rows, items, values
    place = places(rows)
    kept = place < CONSIDERED
    who, where = rows[kept], place[kept]
    worth = np.zeros((len(block), CONSIDERED))
    kind = np.full((len(block), CONSIDERED), len(names), np.int64)  # the last: no category
    worth[who, where] = values[kept]
    kind[who, where] = np.where(category[items[kept]] >= 0, category[items[kept]], len(names))
    there = np.zeros(worth.shape, bool)
    there[who, where] = True
    wanted = _wanted(block, category, len(names), popular)
    new = place + length + CONSIDERED
    new[kept] = _greedy(worth, kind, there, wanted, min(length, CONSIDERED), strength)[who, where]
    order = np.lexsort((new, rows))
    return rows, items[order], values[order]


def _wanted(block: Block, category: Ints, categories: int, popular: Popularity) -> Floats:
    """Share of each category, (customers, categories): the customer's own, drawn towards the shop's."""
    known = category >= 0
    shop = np.bincount(category[known], popular.overall[known], categories)
    shop = shop / max(shop.sum(), 1e-12)
    kept = (block.lines > 0) & known[block.items]
    own = np.zeros((len(block), categories))
    np.add.at(own, (block.rows[kept], category[block.items[kept]]), 1.0)
    own += PRIOR_PURCHASES * shop[None, :]
    return own / np.maximum(own.sum(axis=1, keepdims=True), 1e-12)


def _greedy(worth: Floats, kind: Ints, there: Flags, wanted: Floats, length: int, strength: float) -> Ints:
    """New place of each candidate, (customers, candidates): those taken first, the others in their old order."""
    customers, candidates = worth.shape
    relevance = np.log(np.maximum(worth, 1e-9))
    relevance -= relevance[:, :1]
    count = np.zeros((customers, wanted.shape[1] + 1))
    place = np.tile(np.arange(candidates) + length, (customers, 1))
    open_ = there.copy()
    everybody = np.arange(customers)
    share = np.column_stack([wanted, np.zeros(customers)])
    for step in range(length):
        mixed = (1 - BLUR) * (count + 1) / (step + 1) + BLUR * share
        before = (1 - BLUR) * count / (step + 1) + BLUR * share
        gain = share * (np.log(np.maximum(mixed, 1e-12)) - np.log(np.maximum(before, 1e-12)))
        total = (1 - strength) * relevance + strength * length * gain[everybody[:, None], kind]
        total[~open_] = -np.inf
        best = total.argmax(axis=1)
        found = open_[everybody, best]
        place[everybody[found], best[found]] = step
        open_[everybody[found], best[found]] = False
        count[everybody[found], kind[everybody[found], best[found]]] += 1
    return place
