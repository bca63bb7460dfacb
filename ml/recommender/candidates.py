"""The candidates of each customer, and what the ranker sees of each: what every generator says, and of whom.

Belongs here: how many candidates, their features, one function per kind of them. Does not belong here: generators, the
blend that picks the candidates (``blend``), what orders them (``ranker``).

Features come in a fixed order and are rounded, so that the ranker sees the same bits everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.recommender.block import Block, Catalogue, Flags
from ml.recommender.cuts import standing
from ml.recommender.popularity import Popularity
from ml.recommender.sparse import Csr, Floats, Ints, at, cells, find, matrix
from ml.recommender.state import NEVER_DAYS, WINDOWS, ItemStates, in_season

CANDIDATES, FEWEST_CANDIDATES, MOST_ROWS = 100, 40, 2_000_000
"""Of each customer, the highest of the blend, whose share of what was then bought is the ceiling of the ranker; fewer
where so many rows for all customers would be passed, as ranking them is what lists cost most."""
SHARE_PLACES = 6
OWN_WINDOWS = (30, 90, 365)
OF_CUSTOMERS = ("customer_purchases", "customer_items", "customer_baskets", "customer_days_since")
"""The same for all candidates of one."""
CONTEXT = (
    "blend", "blend_rank", "proposals", "reciprocal_ranks", "popularity",
    "price", "price_against_own", "category_share", "category_view_share", "own_views",
    "own_days", *(f"own_days_{days}d" for days in OWN_WINDOWS), "own_days_season",
    "days_since_own", "days_over_gap", "own_basket_share",
    *(f"item_sold_{days}d" for days in WINDOWS), "item_sold_season", "item_days_since", "item_bought_again",
    *OF_CUSTOMERS,
)  # fmt: skip


@dataclass(frozen=True)
class Candidates:
    """Who might be shown what, by customer and item, with features (candidates, features)."""

    rows: Ints
    items: Ints
    X: NDArray[np.float32]
    """Each feature's values lie side by side in memory."""


def candidates_for(customers: int) -> int:
    """How many candidates a shop of that size ranks for each customer.

    >>> candidates_for(10_000), candidates_for(40_000), candidates_for(1_000_000)
    (100, 50, 40)
    """
    return max(min(CANDIDATES, MOST_ROWS // max(customers, 1)), FEWEST_CANDIDATES)


def feature_names(generators: Sequence[str]) -> list[str]:
    """Columns of ``Candidates.X``."""
    return [f"{name}{kind}" for name in generators for kind in ("", "_rank")] + list(CONTEXT)


@dataclass(frozen=True)
class Context:
    """What is known of items beside the proposals."""

    catalogue: Catalogue
    popular: Popularity
    states: ItemStates


def candidates(block: Block, context: Context, proposals: Sequence[Csr], best: Csr) -> Candidates:
    """The highest of the blend for each customer, and what is known of each."""
    rows, items, shares = cells(best)
    columns: list[NDArray[Any]] = []
    found, reciprocal = np.zeros(len(rows), np.int64), np.zeros(len(rows))
    for proposal in proposals:
        share, rank = standing(proposal, rows, items)
        columns += [share, rank]
        found += rank > 0
        reciprocal += np.append(0, 1 / np.arange(11, 11 + rank.max(initial=0)))[rank]
    _, rank = standing(best, rows, items)
    columns += [shares, rank, found, reciprocal, rounded(context.popular.overall)[items]]
    columns += [*_prices(block, context.catalogue, rows, items), *_kinship(block, context.catalogue, rows, items)]
    columns += _own(block, rows, items)
    columns += [rounded(values)[items] for values in context.states.columns().values()]
    columns += [rounded(values)[rows] for values in _customers(block)]
    X = np.empty((len(columns), len(rows)), np.float32)
    for own, column in zip(X, columns, strict=True):
        own[:] = column.round(SHARE_PLACES) if column.dtype == np.float64 else column
    return Candidates(rows, items, X.T)


def rounded(column: NDArray[Any]) -> NDArray[np.float32]:
    """What an item or a customer brings, as the ranker sees it: rounded before it is spread over candidates."""
    return column.round(SHARE_PLACES).astype(np.float32)


def _prices(block: Block, catalogue: Catalogue, rows: Ints, items: Ints) -> tuple[NDArray[np.float32], Floats]:
    """Log price, and how far it is from the mean of what the customer bought; NaN where unknown."""
    price = np.log1p(catalogue.prices)
    told = (block.lines > 0) & np.isfinite(price[block.items])
    count = np.bincount(block.rows[told], minlength=len(block))
    total = np.bincount(block.rows[told], price[block.items[told]], minlength=len(block))
    mean = np.divide(total, count, out=np.full(len(block), np.nan), where=count > 0)
    return rounded(price)[items], price[items] - mean[rows]


def _own(block: Block, rows: Ints, items: Ints) -> list[Floats | Ints]:
    """Days on which the customer bought the item, ever, lately and in the season; days since, and that over the usual
    gap; share of the customer's baskets that held it."""
    kept, own = block.lines > 0, block.repeats
    pair, ages = (block.rows * block.width + block.items)[kept], block.ages[kept]
    known, which = find(own.rows * block.width + own.items, rows * block.width + items)
    which = np.where(known, which, len(own.rows))  # the last, of nothing

    def count(days: Flags) -> Ints:
        return np.bincount(of[days], minlength=len(own.rows) + 1)[which]

    of = np.cumsum(np.append(0, pair[1:] != pair[:-1]))[: len(pair)]
    often = np.append(own.gaps + 1, 0)[which]
    lately = [count(ages <= days) for days in OWN_WINDOWS]
    since = np.append(own.last_age, NEVER_DAYS)[which]
    gap = np.append(own.mean_gap, 0)[which]
    late = np.divide(since, gap, out=np.full(len(rows), np.nan), where=gap > 0)
    share = often / np.maximum(_baskets(block), 1)[rows]
    return [often, *lately, count(in_season(ages)), since, late, share]


def _baskets(block: Block) -> Ints:
    """Baskets of each customer, (customers,)."""
    kept = block.lines > 0
    last = np.zeros(len(block), np.int64)
    np.maximum.at(last, block.rows[kept], block.steps[kept] + 1)
    return last


def _kinship(block: Block, catalogue: Catalogue, rows: Ints, items: Ints) -> list[NDArray[Any]]:
    """Share of the customer's purchases, and of their views, that were of the candidate's category (NaN without one);
    and their views of the candidate itself."""
    category, names = catalogue.categories
    shape, out = (len(block), max(len(names), 1)), list[NDArray[Any]]()
    for acts in ((block.lines > 0).astype(np.int64), block.views):
        if not acts.any():
            out.append(np.where(category >= 0, np.float32(0), np.float32(np.nan))[items])
            continue
        kept = (acts > 0) & (category[block.items] >= 0)
        of = matrix(acts[kept], block.rows[kept], category[block.items[kept]], shape)
        total = np.bincount(block.rows, acts, minlength=len(block))
        share = at(of, rows, np.maximum(category[items], 0)) / np.maximum(total[rows], 1)
        out.append(np.where(category[items] >= 0, share, np.nan))
    return [*out, at(block.spread(block.views), rows, items)]


def _customers(block: Block) -> tuple[Ints, ...]:
    """Purchases, distinct items, baskets, days since the last purchase."""
    kept = block.lines > 0
    since = np.full(len(block), NEVER_DAYS)
    np.minimum.at(since, block.rows[kept], block.ages[kept])
    distinct = np.bincount(block.bought.keys // max(block.width, 1), minlength=len(block))
    return block.purchases, distinct, _baskets(block), since
