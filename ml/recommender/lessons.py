"""From windows whose outcome is known to a model: which generators, their weights, the ranker.

Belongs here: learning, the same for a shop's files and for any log of interactions. Does not belong here: where the
windows come from (``training``, ``evaluation``), judging (``backtest``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.recommender.blend import Blend, even, history_group, learn
from ml.recommender.block import Block, Source
from ml.recommender.candidates import candidates_for, feature_names
from ml.recommender.choice import Left, Profile, choose, costs, counted, look, mode_of, within_budget, without_new_items
from ml.recommender.generators import GENERATORS
from ml.recommender.model import Fits, Fitted, RecommenderModel
from ml.recommender.new_items import TIMES_AS_DEEP, NewItems, new_candidates, only_new
from ml.recommender.ranker import Shown, learn_order
from ml.recommender.rules import Mode
from ml.recommender.sparse import Csr, Ints, Pairs, at, cells


@dataclass(frozen=True)
class Judged:
    """Customers who bought in a window, and what."""

    block: Block
    """These customers only."""
    rows: Ints
    """Customer of each purchase."""
    items: Ints

    @property
    def is_repeat(self) -> NDArray[np.bool_]:
        """Which purchases were of items bought before."""
        return self.block.bought.contains(self.rows, self.items)

    def only(self, customers: Ints) -> Judged:
        """Some of its customers, given in ascending order."""
        place = np.full(len(self.block), -1, np.int64)
        place[customers] = np.arange(len(customers))
        kept = place[self.rows] >= 0
        return Judged(self.block.only(customers), place[self.rows[kept]], self.items[kept])

    def of_new(self) -> Judged:
        """What was new to its buyer, and the buyers of such."""
        new = ~self.is_repeat
        kept = replace(self, rows=self.rows[new], items=self.items[new])
        return kept.only(np.unique(kept.rows))

    def as_newcomers(self, segments: list[str]) -> Judged:
        """Those who said what they like, as if they had done nothing yet."""
        told = self.only(np.unique(cells(self.block.statements(+1))[0]))
        return Judged(told.block.without_history(segments), told.rows, told.items)


@dataclass(frozen=True)
class Lesson:
    """What was known before an as-of, and what was bought in the window after it."""

    source: Source
    happened: Sequence[Judged]
    fits: Fits = field(default_factory=dict)

    @cached_property
    def taught(self) -> list[Judged]:
        """What happened, and the same people as newcomers where they said what they like: too few of the real newcomers
        said anything, so that nobody else shows what a word is worth without a history (DropoutNet, Volkovs 2017)."""
        source = self.source
        newcomers = [judged.as_newcomers(source.segments) for judged in self.happened] if source.statements else []
        return [*self.happened, *(judged for judged in newcomers if len(judged.block))]

    @property
    def repeat_share(self) -> float:
        """Share of purchases that were repeats."""
        repeats = [judged.is_repeat for judged in self.happened]
        return float(np.concatenate(repeats).mean()) if repeats else 0.0

    @property
    def repeat_share_of_known(self) -> float:
        """The same of customers who had bought before. Nobody else can repeat, and in a young or growing shop they are
        most. NaN where nobody had."""
        repeats = [judged.is_repeat[judged.block.purchases[judged.rows] > 0] for judged in self.happened]
        return float(np.concatenate(repeats).mean()) if sum(map(len, repeats)) else float("nan")


@dataclass(frozen=True)
class Learned:
    """A model, and how it came to be."""

    model: RecommenderModel
    profile: Profile
    left: tuple[Left, ...]
    repeat_share: float
    purchases: int
    """That taught."""
    candidate_recall: float
    """Share of these that stood among the candidates: the ceiling of the ranker. NaN without one."""


def teach(
    lessons: Sequence[Lesson],
    *,
    mode: Mode | None = None,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    time_budget: float | None = None,
    seed: int = 7,
    note: Callable[[str], None] = lambda _: None,
) -> Learned:
    """Learn from windows in the order of time, each with generators that were fitted strictly before it.

    Parameters
    ----------
    mode
        What lists hold; by the share of repeats in the last window if not given.
    time_budget
        Seconds that fitting and lists may take, in terms of ``choice.costs``: the least useful generators are dropped.
    note
        Told of each step.
    """
    latest = lessons[-1]
    profile, repeats = look(latest.source), latest.repeat_share
    names, left = choose(profile, list(GENERATORS))
    start = RecommenderModel(
        tuple(names),
        even(len(names)),
        None,
        mode or mode_of(repeats, latest.repeat_share_of_known),
        candidates_for(profile.customers),
        parameters or {},
    )
    proposed = [_proposed(lesson, start, note) for lesson in lessons]
    shares, groups, is_new = _shares(lessons, proposed, len(names))
    kept, dropped = _kept(names, learn(shares, groups), profile, time_budget)
    own = [names.index(name) for name in kept]
    model = replace(start, generators=tuple(kept), blend=learn(shares[:, own], groups))
    waiting = without_new_items(profile.customers) if model.mode == "mixed" else []
    has_new = model.mode == "mixed" and not waiting
    first = is_new & has_new
    blend_of_new, most = learn(shares[first][:, own], groups[first]), TIMES_AS_DEEP * model.most_candidates
    lists, lists_of_new = list[list[Shown]](), list[list[Shown]]()
    for lesson in lessons:
        said = [[block[place] for place in own] for block in proposed.pop(0)]  # gives way to its candidates
        fitted = model.fit(lesson.source, lesson.fits)
        lists.append(_lists(fitted, lesson, said))
        lists_of_new.append(_lists_of_new(fitted, lesson, said, blend_of_new, most) if has_new else [])
        note("candidates with features")
    features = feature_names(model.generators)
    ranker, of_new = (
        learn_order([one for own in of for one in own], features, seed=seed) for of in (lists, lists_of_new)
    )
    note("ranker")
    model = replace(model, ranker=ranker, new_items=NewItems(blend_of_new, of_new, most) if ranker and of_new else None)
    ceiling = _ceiling(lessons, lists, lists_of_new if model.new_items else None)
    return Learned(model, profile, (*left, *dropped, *waiting), repeats, len(shares), ceiling)


def _proposed(lesson: Lesson, model: RecommenderModel, note: Callable[[str], None]) -> list[list[Csr]]:
    """What each generator gives to those of a window, block by block."""
    fitted = model.fit(lesson.source, lesson.fits)
    note("generators fitted")
    return [fitted.propose(fitted.case(judged.block)) for judged in lesson.taught]


def _shares(
    lessons: Sequence[Lesson], proposed: Sequence[Sequence[Sequence[Csr]]], generators: int
) -> tuple[NDArray[np.float64], Ints, NDArray[np.bool_]]:
    """What each generator gave to each item that was then bought, the history group of who bought it, and whether it
    was new to them."""
    shares, groups, is_new = [np.empty((0, generators))], [np.empty(0, np.int64)], [np.empty(0, bool)]
    for lesson, said in zip(lessons, proposed, strict=True):
        for judged, proposals in zip(lesson.taught, said, strict=True):
            shares.append(np.column_stack([at(proposal, judged.rows, judged.items) for proposal in proposals]))
            groups.append(history_group(judged.block.purchases[judged.rows]))
            is_new.append(~judged.is_repeat)
    return np.concatenate(shares), np.concatenate(groups), np.concatenate(is_new)


def _kept(
    names: list[str], blend: Blend, profile: Profile, time_budget: float | None
) -> tuple[list[str], tuple[Left, ...]]:
    """The generators that are worth their time, and why the others are not."""
    kept, idle = counted(names, blend.weights, profile.customers)
    if time_budget is None:
        return kept, tuple(idle)
    weighed = dict(zip(names, blend.weights.mean(axis=0).tolist(), strict=True))
    kept, late = within_budget(kept, time_budget, costs(profile, kept), weighed)
    return kept, (*idle, *late)


def _lists(fitted: Fitted, lesson: Lesson, proposed: Sequence[Sequence[Csr]]) -> list[Shown]:
    """Candidates of those of a window, and which of them they bought, block by block."""
    lists = []
    for judged, proposals in zip(lesson.taught, proposed, strict=True):
        found = fitted.candidates(fitted.case(judged.block), proposals)
        bought = Pairs.of(judged.rows, judged.items, judged.block.width)
        lists.append((found, bought.contains(found.rows, found.items)))
    return lists


def _lists_of_new(
    fitted: Fitted, lesson: Lesson, proposed: Sequence[Sequence[Csr]], blend: Blend, most: int
) -> list[Shown]:
    """The same of what was new to them, and of those only who bought anything new."""
    lists = []
    for judged, proposals in zip(lesson.taught, proposed, strict=True):
        buyers = np.unique(judged.rows[~judged.is_repeat])
        own = judged.only(buyers)
        new = only_new([proposal[buyers] for proposal in proposals], own.block)
        found = new_candidates(blend, most, own.block, fitted.context, new)
        lists.append((found, Pairs.of(own.rows, own.items, own.block.width).contains(found.rows, found.items)))
    return lists


def _ceiling(
    lessons: Sequence[Lesson], lists: Sequence[Sequence[Shown]], lists_of_new: Sequence[Sequence[Shown]] | None
) -> float:
    """Share of what was bought that stood among the candidates, the new ones of ``lists_of_new`` where there are such;
    NaN where nothing was bought."""
    wanted = found = 0
    for number, lesson in enumerate(lessons):
        for place, judged in enumerate(lesson.happened):
            shown, bought = lists[number][place]
            wanted += len(judged.rows)
            if lists_of_new:
                bought = bought & judged.block.bought.contains(shown.rows, shown.items)
                found += int(lists_of_new[number][place][1].sum())
            found += int(bought.sum())
    return found / wanted if wanted else float("nan")
