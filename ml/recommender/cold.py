"""How well lists do by how much was known: of customers, of items.

Belongs here: the groups, and figures of each with intervals. Does not belong here: who ranked (``backtest``,
``evaluation``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ml.bootstrap import Difference, paired_means, ratio
from ml.recommender.block import Flags
from ml.recommender.metrics import Hits
from ml.recommender.sparse import Ints

Groups = tuple[tuple[int, int | None], ...]
CUSTOMERS: Groups = ((0, 0), (1, 1), (2, 4), (5, None))
"""Interactions known of a customer, first and last of each group."""
ITEMS: Groups = ((0, 0), (1, 4), (5, None))
"""Customers known to have had an item."""


@dataclass(frozen=True)
class CustomerGroup:
    """Customers of whom about as much was known; means with their 95 % intervals, NaN for a group without anybody."""

    customers: int
    recall: Difference
    ndcg: Difference


@dataclass(frozen=True)
class ItemGroup:
    """Purchases of items that about as many had had before."""

    items: int
    purchases: int
    hit_rate: Difference
    """Share of these purchases that stood within the first places, customers drawn with all of theirs."""


NOBODY = Difference(float("nan"), float("nan"), float("nan"))


def by_customer(hits: Hits, known: Ints, length: int, *, seed: int) -> dict[str, CustomerGroup]:
    """Figures of each of ``CUSTOMERS``.

    Parameters
    ----------
    known
        Interactions known of each judged customer, (customers,).
    """
    recall, ndcg, found = hits.recall(length), hits.ndcg(length), {}
    for name, inside in _grouped(CUSTOMERS, known):
        own = inside & np.isfinite(recall)
        means = [_mean(values[own], seed) for values in (recall, ndcg)]
        found[name] = CustomerGroup(int(own.sum()), *means)
    return found


def by_item(hits: Hits, items: Ints, known: Ints, length: int, *, seed: int) -> dict[str, ItemGroup]:
    """Figures of each of ``ITEMS``.

    Parameters
    ----------
    items
        Item of each purchase that was to be foretold, (purchases,).
    known
        How many customers were known to have had each item, (items,).
    """
    found = {}
    for name, inside in _grouped(ITEMS, known[items]):
        wanted = np.bincount(hits.rows[inside], minlength=hits.customers).astype(float)
        got = np.bincount(hits.rows[inside & (hits.ranks <= length)], minlength=hits.customers).astype(float)
        rate = ratio(got[wanted > 0], wanted[wanted > 0], seed=seed) if wanted.any() else NOBODY
        found[name] = ItemGroup(len(np.unique(items[inside])), int(inside.sum()), rate)
    return found


def as_metrics(customers: Mapping[str, CustomerGroup], items: Mapping[str, ItemGroup]) -> dict[str, float]:
    """Names and numbers for MLflow."""
    found: dict[str, float] = {}
    for name, own in customers.items():
        start = f"known_{_plain(name)}/"
        found |= {start + "customers": own.customers, start + "recall_at_10": own.recall.value,
                  start + "ndcg_at_10": own.ndcg.value}  # fmt: skip
    for name, group in items.items():
        start = f"item_known_{_plain(name)}/"
        found |= {start + "purchases": group.purchases, start + "hit_rate_at_10": group.hit_rate.value}
    return found


def _plain(name: str) -> str:
    return name.replace("-", "_to_").replace("+", "_and_more")


def _grouped(groups: Groups, known: Ints) -> Iterator[tuple[str, Flags]]:
    for first, last in groups:
        name = str(first) if first == last else f"{first}-{last}" if last is not None else f"{first}+"
        yield name, (known >= first) & (known <= (np.inf if last is None else last))


def _mean(values: np.ndarray, seed: int) -> Difference:
    return paired_means(values, np.zeros_like(values), seed=seed) if len(values) else NOBODY
