"""What lists show as they are published, with discovery and without: what was then bought of it, and how much of the
shop it is.

Belongs here: figures of lists. Does not belong here: how a list is made (``lists``), rankings of the whole catalogue
(``metrics``), what a slot for discovery could have held instead (``discovery``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ml.recommender.block import Catalogue, Source
from ml.recommender.discovery import Discovery, Slots, discovery, slots_of
from ml.recommender.lessons import Judged
from ml.recommender.lists import Lists, Shape, make_lists
from ml.recommender.metrics import Hits
from ml.recommender.popularity import Popularity
from ml.recommender.rules import Case
from ml.recommender.sparse import Csr, Floats, Ints

ON, OFF = "discovery on", "discovery off"


@dataclass(frozen=True)
class Exposed:
    """Lists of judged customers, and where in them stood what was then bought."""

    hits: Hits
    """Rank is the place, infinite where the list does not hold it."""
    shown: Ints
    """Item of each row of the lists."""
    slots: Slots


def shapes(shape: Shape) -> dict[str, Shape]:
    """The shape itself, and the same without discovery."""
    return {ON: shape, OFF: replace(shape, discovery_slots=0)}


def expose(scores: Csr, case: Case, judged: Judged, popular: Popularity, shape: Shape) -> Exposed:
    """Make the lists of one block and look what was bought of them."""
    return looked_at(make_lists(scores, case, popular, shape), case, judged, popular)


def looked_at(lists: Lists, case: Case, judged: Judged, popular: Popularity) -> Exposed:
    """The same for lists that were made before."""
    ranks = place_of(lists, judged)
    hits = Hits(len(judged.block), judged.rows, judged.is_repeat, ranks)
    return Exposed(hits, lists.items, slots_of(lists, case, judged, popular))


def joined(parts: Sequence[Exposed]) -> Exposed:
    """Blocks one after another."""
    before = np.cumsum([0, *(part.hits.customers for part in parts)])
    rows = [part.hits.rows + offset for part, offset in zip(parts, before, strict=False)]
    hits = Hits(
        int(before[-1]),
        np.concatenate(rows),
        np.concatenate([part.hits.is_repeat for part in parts]),
        np.concatenate([part.hits.ranks for part in parts]),
    )
    slots = [np.concatenate([getattr(part.slots, name) for part in parts]) for name in Slots.__dataclass_fields__]
    return Exposed(hits, np.concatenate([part.shown for part in parts]), Slots(*slots))


def place_of(lists: Lists, judged: Judged) -> Floats:
    """Place, from 1, of each purchase in its customer's list; infinite where it is not in it."""
    width = judged.block.width
    keys = lists.rows * width + lists.items
    order = np.argsort(keys)
    wanted = judged.rows * width + judged.items
    where = np.minimum(np.searchsorted(keys[order], wanted), max(len(keys) - 1, 0))
    out = np.full(len(wanted), np.inf)
    if len(keys):
        there = keys[order][where] == wanted
        out[there] = lists.places[order][where[there]] + 1
    return out


def breadth(shown: Ints, buyers: Ints, customers: int, wanted: Ints) -> dict[str, float]:
    """What is shown of a shop.

    ``coverage``: share of all items that anybody gets; ``novelty``: mean surprise in bits, minus the binary logarithm
    of the share of customers who had the item; ``popularity_bias``: how many times more customers had an item shown
    than had an item that was then really chosen (1: lists are as popular as tastes are); ``gini``: how unevenly places
    fall on the items, 0 evenly, 1 all on one. NaN where nothing is shown, or nobody had what was chosen.

    Parameters
    ----------
    buyers
        How many customers are known to have had each item, (items,).
    customers
        How many there are.
    wanted
        Item of each purchase that then happened.
    """
    share = np.maximum(buyers, 0.5) / max(float(customers), buyers.max(initial=1))
    filled = np.sort(np.bincount(shown, minlength=len(buyers)).astype(float))
    lorenz = np.cumsum(filled) / max(filled.sum(), 1)
    chosen, there = float(buyers[wanted].mean()) if len(wanted) else 0.0, len(shown) > 0
    return {
        "coverage": float(len(np.unique(shown)) / max(len(buyers), 1)),
        "novelty": float(-np.log2(share[shown]).mean()) if there else float("nan"),
        "popularity_bias": float(buyers[shown].mean()) / chosen if there and chosen else float("nan"),
        "gini": float(1 - 2 * lorenz.mean() + 1 / len(filled)) if there else float("nan"),
    }


def buyers_of(source: Source) -> tuple[Ints, int]:
    """How many customers are known to have had each item, (items,), and how many customers there are."""
    found, customers = np.zeros(source.catalogue.size, np.int64), 0
    for block in source.blocks():
        found += np.bincount(block.bought.keys % max(block.width, 1), minlength=len(found))
        customers += len(block)
    return found, customers


def figures(lists: Mapping[str, Exposed], buyers: Ints, customers: int, wanted: Ints) -> dict[str, dict[str, float]]:
    """Accuracy and breadth of lists of each name."""
    return {
        name: {
            "recall@10": float(one.hits.recall(10).mean()),
            "ndcg@10": float(one.hits.ndcg(10).mean()),
            **breadth(one.shown, buyers, customers, wanted),
        }
        for name, one in lists.items()
    }


def found_by_discovery(lists: Mapping[str, Exposed], *, seed: int) -> Discovery | None:
    """What the slots of the lists found, and what they cost; None without slots."""
    on, off = lists[ON], lists[OFF]
    return discovery(on.slots, on.hits.ndcg(10), off.hits.ndcg(10), seed=seed)


def variety(shown: Sequence[tuple[Ints, Ints]], catalogue: Catalogue) -> dict[str, float]:
    """``coverage``, the share of the available items that stand in anybody's list, and ``diversity``, the mean share of
    pairs in a list that are of different categories; of rows and items block by block."""
    available, items = catalogue.is_available, np.unique(np.concatenate([own for _, own in shown]))
    category, names = catalogue.categories
    different = []
    for rows, own in shown:
        customers, kinds = int(rows.max(initial=-1)) + 1, max(len(names), 1)
        known = category[own] >= 0
        counts = np.bincount(rows[known] * kinds + category[own[known]], minlength=customers * kinds)
        counts = counts.reshape(customers, kinds).astype(float)
        total = counts.sum(axis=1)
        several = total > 1
        pairs = total * (total - 1)
        same = (counts * (counts - 1)).sum(axis=1)
        different.append(1 - same[several] / pairs[several])
    told = np.concatenate(different)
    covered = float(available[items].sum() / max(available.sum(), 1))
    return {"coverage": covered, "diversity": float(told.mean()) if len(told) else 0.0}
