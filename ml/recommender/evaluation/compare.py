"""Our model and the baselines on the same customers of one split.

Belongs here: fitting, choosing the baselines' settings, ranking. Does not belong here: metrics (``measures``), words
(``report``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.recommender.block import Block
from ml.recommender.evaluation.baselines import BASELINES, Baseline, Scores
from ml.recommender.evaluation.protocols import Split
from ml.recommender.lessons import Judged, Learned, Lesson, teach
from ml.recommender.metrics import Hits, mean_ranks
from ml.recommender.model import Fitted
from ml.recommender.rules import Mode
from ml.recommender.sparse import Ints

MODEL = "regulars"
CELLS = 4_000_000
"""Customers times items that are ranked at once."""
SHOWN = 10


@dataclass(frozen=True)
class Judgement:
    """One method on one split."""

    name: str
    hits: Hits
    shown: Ints
    """(customers, SHOWN): the first places of each customer's ranking."""
    settings: Mapping[str, Any]
    fit_seconds: float
    score_seconds: float


@dataclass(frozen=True)
class Comparison:
    """Every method, ours first."""

    judgements: Sequence[Judgement]
    learned: Learned
    mode: Mode
    history: Ints
    """Purchases known of each judged customer."""
    buyers: Ints
    """(items,): customers who were known to have bought each."""
    wanted: Ints
    """Item of each purchase that was to be foretold."""
    peak_megabytes: float


def compare(
    split: Split, *, time_budget: float | None = None, seed: int = 7, note: Callable[[str], None] = lambda _: None
) -> Comparison:
    """Learn, choose and judge. Settings of baselines are those with the best recall in the last window to learn from.

    Parameters
    ----------
    note
        Told of each step.
    """
    import threadpoolctl

    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        start = time.perf_counter()
        learned = teach(split.lessons, mode=split.mode, time_budget=time_budget, seed=seed, note=note)
        fitted = learned.model.fit(split.test.source, split.test.fits)
        seconds = time.perf_counter() - start
        mode = learned.model.mode
        ours = _judgement(MODEL, _Ours(fitted), split.test, mode, {}, seconds)
        note(f"{MODEL} judged")
        names = [name for name, (_, _, most) in BASELINES.items() if split.test.source.catalogue.size <= most]
        with ThreadPoolExecutor(2) as pool:
            others = list(pool.map(lambda name: _baseline(name, split, mode, note), names))
    history = np.concatenate([judged.block.purchases for judged in split.test.happened])
    buyers = np.zeros(split.test.source.catalogue.size, np.int64)
    for block in split.test.source.blocks():
        buyers += np.bincount(block.bought.keys % block.width, minlength=len(buyers))
    wanted = np.concatenate([judged.items for judged in split.test.happened])
    return Comparison([ours, *others], learned, mode, history, buyers, wanted, _peak_megabytes())


@dataclass(frozen=True)
class _Ours:
    """What the ranker says of its candidates, then the blend, then what is popular."""

    fitted: Fitted

    def scores(self, block: Block) -> Scores:
        case = self.fitted.case(block)
        proposals = self.fitted.propose(case)
        blended = self.fitted.model.blend.scores(proposals, block.purchases).toarray()
        ranked = self.fitted.scores(case, proposals).toarray()
        out = blended + self.fitted.popularity.overall[None, :] * 1e-9
        out[ranked > 0] = 1 + ranked[ranked > 0]
        return np.asarray(out)


def _baseline(name: str, split: Split, mode: Mode, note: Callable[[str], None]) -> Judgement:
    kind, grid, _ = BASELINES[name]
    start = time.perf_counter()
    lesson = split.lessons[-1]
    tried = [(float(_ranked(_fit(kind, one, lesson), lesson, mode)[0].recall(SHOWN).mean()), one) for one in grid]
    best = max(tried, key=lambda pair: pair[0])[1]
    fitted = _fit(kind, best, split.test)
    judged = _judgement(name, fitted, split.test, mode, best, time.perf_counter() - start)
    note(f"{name} judged")
    return judged


def _fit(kind: type[Any], settings: Mapping[str, Any], lesson: Lesson) -> Baseline:
    baseline: Baseline = kind(**settings)
    baseline.fit(lesson.source)
    return baseline


def _judgement(
    name: str, scorer: Baseline | _Ours, lesson: Lesson, mode: Mode, settings: Mapping[str, Any], fit_seconds: float
) -> Judgement:
    start = time.perf_counter()
    hits, shown = _ranked(scorer, lesson, mode)
    return Judgement(name, hits, shown, settings, fit_seconds, time.perf_counter() - start)


def _ranked(scorer: Baseline | _Ours, lesson: Lesson, mode: Mode) -> tuple[Hits, Ints]:
    """Mean ranks of all that was to be foretold; what the mode hides comes last, for every method alike."""
    rows, ranks, repeats, shown, before = [], [], [], [], 0
    for judged in lesson.happened:
        for part in _parts(judged):
            scores = scorer.scores(part.block)
            known = part.block.bought.keys
            if mode == "discovery":
                scores.ravel()[known] = -np.inf
            ranks.append(mean_ranks(scores, part.rows, part.items))
            if mode == "discovery":
                ranks[-1][part.is_repeat] = np.inf
            shown.append(_first_places(scores))
            rows.append(part.rows + before)
            repeats.append(part.is_repeat)
            before += len(part.block)
    hits = Hits(before, np.concatenate(rows), np.concatenate(repeats), np.concatenate(ranks))
    return hits, np.concatenate(shown)


def _parts(judged: Judged) -> Iterator[Judged]:
    """Few enough customers at a time that all items of each fit into memory."""
    step = max(CELLS // max(judged.block.width, 1), 1)
    for start in range(0, len(judged.block), step):
        who = np.arange(start, min(start + step, len(judged.block)))
        mine = (judged.rows >= start) & (judged.rows < start + step)
        yield Judged(judged.block.only(who), judged.rows[mine] - start, judged.items[mine])


def _first_places(scores: Scores) -> Ints:
    count = min(SHOWN, scores.shape[1])
    best = np.argpartition(-scores, count - 1, axis=1)[:, :count] if count < scores.shape[1] else np.argsort(-scores)
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
    out: NDArray[np.int64] = np.take_along_axis(best, order, axis=1).astype(np.int64)
    return out


def _peak_megabytes() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
