"""One as-of whose outcome is known: what was bought in the window after it, and how each method ranked it.

Belongs here: judging a fitted recommender and its baselines on the same customers. Does not belong here: metrics
(``metrics``), finding weights (``training``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ml.recommender import exposure
from ml.recommender.blend import history_group
from ml.recommender.block import Flags
from ml.recommender.cold import as_metrics, by_customer, by_item
from ml.recommender.exposure import OFF, ON, Exposed
from ml.recommender.lessons import Judged
from ml.recommender.lists import Shape, make_lists
from ml.recommender.metrics import Hits, mean_ranks
from ml.recommender.model import Fitted
from ml.recommender.rules import Case, Mode, allowed, out_of_mode, sensitive, unavailable
from ml.recommender.sparse import Csr, Floats, Ints, at

CELLS = 2_000_000
"""Customers times items that are ranked at once."""
SEED = 7
"""Of the intervals."""


@dataclass(frozen=True)
class Backtest:
    """Every method on the same customers."""

    hits: Mapping[str, Hits]
    """By method: ``model``, ``popularity``, ``personal_popularity``, each generator alone, and ``champion``."""
    groups: Ints
    """History group of each judged customer."""
    lists: Mapping[str, Exposed]
    """Of ``model``: as they are published, and without discovery."""
    known: Ints
    """Purchases known of each judged customer."""
    items: Ints
    """Item of each purchase that was to be foretold."""
    buyers: Ints
    """(items,): customers who were known to have bought each."""
    people: int
    """Customers who were known."""
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

    @property
    def served(self) -> Hits:
        """Of the lists as they are published, discovery included: rank = place, else beyond all."""
        return self.lists[ON].hits

    def summary(self) -> dict[str, float]:
        """All metrics: the model's own by their name, those of others as ``<method>/<metric>``."""
        out = {"customers": float(self.customers), "purchases": float(len(self.served.rows))}
        for method, hits in self.hits.items():
            out |= {("" if method == "model" else f"{method}/") + name: value for name, value in hits.summary().items()}
        out |= {"candidate_recall": self.candidate_recall}
        for method, shape in self.shapes.items():
            out |= {("" if method == "model" else f"{method}/") + name: value for name, value in shape.items()}
        for name, figures in exposure.figures(self.lists, self.buyers, self.people, self.items).items():
            start = "served" if name == ON else "without_discovery"
            out |= {f"{start}/{metric.replace('@', '_at_')}": value for metric, value in figures.items()}
        return out | self._found() | self._cold()

    def _found(self) -> dict[str, float]:
        """Hits of the discovery slots, and of what else could have stood there."""
        slots = exposure.found_by_discovery(self.lists, seed=SEED)
        return slots.as_metrics() if slots else {}

    def _cold(self) -> dict[str, float]:
        """Of the model's ranking, by how much was known."""
        own = self.hits["model"]
        customers = by_customer(own, self.known, 10, seed=SEED)
        return as_metrics(customers, by_item(own, self.items, self.buyers, 10, seed=SEED))


def backtest(
    models: Mapping[str, Fitted], happened: Sequence[Judged], shape: Shape, *, asked: Mode | None = None
) -> Backtest:
    """Rank for everybody who bought in the window, as served: after the rules, before discovery.

    Parameters
    ----------
    models
        Fitted to the as-of, by method, each with the mode that it would serve with; ``model`` must be among them.
    asked
        The mode that the shop asks for, which then binds the baselines too; what the data decide is judged as well.
    """
    return _joined([_judge(models, judged, shape, asked) for judged in happened], happened, models["model"])


@dataclass(frozen=True)
class _Part:
    """One block's share of a backtest."""

    groups: Ints
    is_candidate: Flags
    ranks: dict[str, Floats]
    lists: dict[str, Exposed]
    shown: dict[str, tuple[Ints, Ints]]
    """Row and item of what stands in lists, by method."""
    segment: Ints


def _judge(models: Mapping[str, Fitted], judged: Judged, shape: Shape, asked: Mode | None) -> _Part:
    block, rows, items, fitted = judged.block, judged.rows, judged.items, models["model"]
    cases = {name: one.case(block) for name, one in models.items()}
    case = cases["model"]
    proposals = {name: one.propose(cases[name]) for name, one in models.items()}
    scores = {name: one.scores(cases[name], proposals[name]) for name, one in models.items()}
    own = proposals["model"]
    alone = {generator.name: p for generator, p in zip(fitted.generators, own, strict=True)}
    known = block.spread((block.lines > 0).astype(np.int64)).astype(float)
    baselines = {"popularity": known * 0, "personal_popularity": known}
    made = {name: make_lists(own, cases[name], models[name].popularity, shape) for name, own in scores.items()}
    made["popularity"] = make_lists(known * 0, case, fitted.popularity, shape)
    plain = make_lists(scores["model"], case, fitted.popularity, exposure.shapes(shape)[OFF])
    return _Part(
        groups=history_group(block.purchases),
        is_candidate=np.any([at(p, rows, items) > 0 for p in own], axis=0),
        ranks=_ranks(fitted, judged, {**scores, **alone}, baselines, cases, asked),
        lists={
            name: exposure.looked_at(one, case, judged, fitted.popularity)
            for name, one in ((ON, made["model"]), (OFF, plain))
        },
        shown={name: (one.rows[~one.is_discovery], one.items[~one.is_discovery]) for name, one in made.items()},
        segment=block.segments,
    )


def _ranks(
    fitted: Fitted,
    judged: Judged,
    methods: Mapping[str, Csr],
    baselines: Mapping[str, Csr],
    cases: Mapping[str, Case],
    asked: Mode | None,
) -> dict[str, Floats]:
    """Mean ranks of what was bought: scored items first, then the others by popularity, forbidden ones last.

    Of baselines only what nobody can buy, may not be shown, or is not asked for, is forbidden.
    """
    modes = {case.mode: case for case in cases.values()}
    own_mode = {name: cases.get(name, cases["model"]).mode for name in methods}
    width, customers = judged.block.width, len(judged.block)
    out = {name: np.empty(len(judged.rows)) for name in (*methods, *baselines)}
    step = max(CELLS // max(width, 1), 1)
    for start in range(0, customers, step):
        who = np.arange(start, min(start + step, customers))
        rows, items = np.repeat(who, width), np.tile(np.arange(width), len(who))
        strict = {mode: ~allowed(case, rows, items) for mode, case in modes.items()}
        lenient = unavailable(cases["model"], rows, items) | sensitive(cases["model"], rows, items)
        if asked:
            lenient |= out_of_mode(modes[asked], rows, items)
        mine = np.flatnonzero((judged.rows >= start) & (judged.rows < start + step))
        for name, scores in {**methods, **baselines}.items():
            dense = scores[who].toarray()
            dense = np.where(dense > 0, 1 + dense, fitted.popularity.overall[None, :])
            dense[(strict[own_mode[name]] if name in methods else lenient).reshape(dense.shape)] = -1
            out[name][mine] = mean_ranks(dense, judged.rows[mine] - start, judged.items[mine])
    return out


def _joined(parts: list[_Part], happened: Sequence[Judged], fitted: Fitted) -> Backtest:
    lists = {name: exposure.joined([part.lists[name] for part in parts]) for name in (ON, OFF)}
    buyers, people = exposure.buyers_of(fitted.source)

    def hits(of: list[Floats]) -> Hits:
        return replace(lists[ON].hits, ranks=np.concatenate(of))

    segment = np.concatenate([part.segment for part in parts])
    return Backtest(
        hits={name: hits([part.ranks[name] for part in parts]) for name in parts[0].ranks},
        groups=np.concatenate([part.groups for part in parts]),
        lists=lists,
        known=np.concatenate([judged.block.purchases for judged in happened]),
        items=np.concatenate([judged.items for judged in happened]),
        buyers=buyers,
        people=people,
        candidate_recall=float(np.concatenate([part.is_candidate for part in parts]).mean()),
        shapes={
            name: exposure.variety([part.shown[name] for part in parts], fitted.source.catalogue)
            for name in parts[0].shown
        },
        segments={name: segment == number for number, name in enumerate(fitted.source.segments)},
    )
