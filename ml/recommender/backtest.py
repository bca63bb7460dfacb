"""One as-of whose outcome is known: what was bought in the window after it, and how each method ranked it.

Belongs here: judging a fitted recommender and its baselines on the same customers. Does not belong here: metrics
(``metrics``), finding weights (``training``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ml.recommender.blend import history_group
from ml.recommender.block import Flags
from ml.recommender.data import World
from ml.recommender.lessons import Judged
from ml.recommender.lists import Shape, make_lists
from ml.recommender.metrics import Hits, mean_ranks
from ml.recommender.model import Fitted
from ml.recommender.rules import Case, allowed, sensitive, unavailable
from ml.recommender.sparse import Csr, Floats, Ints, at
from ml.splits import HASH_SPACE, customer_hash

MOST_CUSTOMERS = 20_000
CELLS = 2_000_000
"""Customers times items that are ranked at once."""


def outcomes(world: World) -> list[Judged]:
    """Who bought in the window after an as-of; above ``MOST_CUSTOMERS`` a hashed sample of them."""
    return list(_outcomes(world))


def _outcomes(world: World) -> Iterator[Judged]:
    acts = "order_lines" if world.has_orders else "views"
    got = world.ask(
        "with items as (select product_id, row_number() over (order by product_id) - 1 as item from {catalogue}) "
        f"select customer_id, item from {{outcomes}} inner join items using (product_id) where {acts} > 0 "
        "order by customer_id, item"
    )
    customers, items = np.asarray(got["customer_id"], object), np.asarray(got["item"], np.int64)
    everybody = np.unique(customers.astype(str)) if len(customers) else np.empty(0, str)
    limit = HASH_SPACE * MOST_CUSTOMERS // max(len(everybody), MOST_CUSTOMERS)
    sampled = {customer for customer in everybody.tolist() if customer_hash(customer) < limit}
    for block in world.blocks():
        index = {customer: row for row, customer in enumerate(block.customers) if customer in sampled}
        kept = np.array([customer in index for customer in customers], bool)
        rows = np.array([index[customer] for customer in customers[kept]], np.int64)
        if len(rows):
            who, own = np.unique(rows, return_inverse=True)
            yield Judged(block.only(who), own.astype(np.int64), items[kept])


@dataclass(frozen=True)
class Backtest:
    """Every method on the same customers."""

    hits: Mapping[str, Hits]
    """By method: ``model``, ``popularity``, ``personal_popularity``, each generator alone, and ``champion``."""
    groups: Ints
    """History group of each judged customer."""
    served: Hits
    """Of the lists as they are published, discovery included: rank = place, else beyond all."""
    candidate_recall: float
    """Share of purchases that any generator proposed and no rule took out: the ceiling of every blend."""
    shapes: Mapping[str, Mapping[str, float]]
    """Of the lists of ``model``, ``champion`` and ``popularity``, discovery slots apart: ``coverage``, the share of the
    available items that stand in anybody's, and ``diversity``, the mean share of pairs in a list that are of different
    categories."""
    segments: Mapping[str, Flags]
    """By name, which of the judged customers belong to it."""

    @property
    def customers(self) -> int:
        return self.served.customers

    def summary(self) -> dict[str, float]:
        """All metrics: the model's own by their name, those of others as ``<method>/<metric>``."""
        out = {"customers": float(self.customers), "purchases": float(len(self.served.rows))}
        for method, hits in self.hits.items():
            out |= {("" if method == "model" else f"{method}/") + name: value for name, value in hits.summary().items()}
        out |= {"candidate_recall": self.candidate_recall}
        for method, shape in self.shapes.items():
            out |= {("" if method == "model" else f"{method}/") + name: value for name, value in shape.items()}
        return out | {"served/recall_at_10": float(self.served.recall(10).mean())}


def backtest(models: Mapping[str, Fitted], happened: Sequence[Judged], shape: Shape) -> Backtest:
    """Rank for everybody who bought in the window, as served: after the rules, before discovery.

    Parameters
    ----------
    models
        Fitted to the as-of, by method; ``model`` must be among them.
    """
    return _joined([_judge(models, judged, shape) for judged in happened], models["model"])


@dataclass(frozen=True)
class _Part:
    """One block's share of a backtest."""

    rows: Ints
    groups: Ints
    is_repeat: Flags
    is_candidate: Flags
    ranks: dict[str, Floats]
    served: Floats
    shown: dict[str, tuple[Ints, Ints]]
    """Row and item of what stands in lists, by method."""
    segment: Ints


def _judge(models: Mapping[str, Fitted], judged: Judged, shape: Shape) -> _Part:
    block, rows, items, fitted = judged.block, judged.rows, judged.items, models["model"]
    case = fitted.case(block)
    proposals = {name: one.propose(one.case(block)) for name, one in models.items()}
    scores = {name: one.scores(one.case(block), proposals[name]) for name, one in models.items()}
    own = proposals["model"]
    alone = {generator.name: p for generator, p in zip(fitted.generators, own, strict=True)}
    known = block.spread((block.lines > 0).astype(np.int64)).astype(float)
    baselines = {"popularity": known * 0, "personal_popularity": known}
    made = {name: make_lists(own_scores, case, fitted.popularity, shape) for name, own_scores in scores.items()}
    made["popularity"] = make_lists(known * 0, case, fitted.popularity, shape)
    lists = made["model"]
    places = dict(zip((lists.rows * block.width + lists.items).tolist(), (lists.places + 1).tolist(), strict=True))
    return _Part(
        rows=rows,
        groups=history_group(block.purchases),
        is_repeat=judged.is_repeat,
        is_candidate=np.any([at(p, rows, items) > 0 for p in own], axis=0),
        ranks=_ranks(fitted, judged, {**scores, **alone}, baselines, case),
        served=np.array([places.get(key, np.inf) for key in (rows * block.width + items).tolist()]),
        shown={name: (one.rows[~one.is_discovery], one.items[~one.is_discovery]) for name, one in made.items()},
        segment=block.segments,
    )


def _ranks(
    fitted: Fitted, judged: Judged, methods: Mapping[str, Csr], baselines: Mapping[str, Csr], case: Case
) -> dict[str, Floats]:
    """Mean ranks of what was bought: scored items first, then the others by popularity, forbidden ones last.

    Of baselines only what nobody can buy, or may not be shown, is forbidden.
    """
    width, customers = judged.block.width, len(judged.block)
    out = {name: np.empty(len(judged.rows)) for name in (*methods, *baselines)}
    step = max(CELLS // max(width, 1), 1)
    for start in range(0, customers, step):
        who = np.arange(start, min(start + step, customers))
        rows, items = np.repeat(who, width), np.tile(np.arange(width), len(who))
        strict = ~allowed(case, rows, items)
        lenient = unavailable(case, rows, items) | sensitive(case, rows, items)
        mine = np.flatnonzero((judged.rows >= start) & (judged.rows < start + step))
        for name, scores in {**methods, **baselines}.items():
            dense = scores[who].toarray()
            dense = np.where(dense > 0, 1 + dense, fitted.popularity.overall[None, :])
            dense[(strict if name in methods else lenient).reshape(dense.shape)] = -1
            out[name][mine] = mean_ranks(dense, judged.rows[mine] - start, judged.items[mine])
    return out


def _joined(parts: list[_Part], fitted: Fitted) -> Backtest:
    offsets = np.cumsum([0, *(len(part.groups) for part in parts)])
    rows = np.concatenate([part.rows + offset for part, offset in zip(parts, offsets[:-1], strict=True)])
    repeat = np.concatenate([part.is_repeat for part in parts])
    customers = int(offsets[-1])

    def hits(of: list[Floats]) -> Hits:
        return Hits(customers, rows, repeat, np.concatenate(of))

    segment = np.concatenate([part.segment for part in parts])
    return Backtest(
        hits={name: hits([part.ranks[name] for part in parts]) for name in parts[0].ranks},
        groups=np.concatenate([part.groups for part in parts]),
        served=hits([part.served for part in parts]),
        candidate_recall=float(np.concatenate([part.is_candidate for part in parts]).mean()),
        shapes={name: _shape([part.shown[name] for part in parts], fitted) for name in parts[0].shown},
        segments={name: segment == number for number, name in enumerate(fitted.source.segments)},
    )


def _shape(shown: list[tuple[Ints, Ints]], fitted: Fitted) -> dict[str, float]:
    catalogue = fitted.source.catalogue
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
