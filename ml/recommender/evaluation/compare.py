"""Our model and the baselines on the same customers of one split.

Belongs here: fitting, choosing the baselines' settings. Does not belong here: ranking (``ranking``), metrics
(``measures``), words (``report``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ml.parallel import one_blas_thread
from ml.recommender.evaluation.baselines import BASELINES, Baseline
from ml.recommender.evaluation.ours import Ours
from ml.recommender.evaluation.protocols import Split
from ml.recommender.evaluation.ranking import SHOWN, Scorer, rank_all
from ml.recommender.exposure import Exposed, buyers_of, joined
from ml.recommender.lessons import Judged, Learned, Lesson, teach
from ml.recommender.metrics import Hits
from ml.recommender.rules import Mode
from ml.recommender.sparse import Ints

MODEL = "regulars"


@dataclass(frozen=True)
class Judgement:
    """One method on one split."""

    name: str
    hits: Hits
    among_new: Hits
    """Ranked among what the customer has not had: what a list of discoveries alone would find."""
    shown: Ints
    """(customers, SHOWN): the first places of each customer's ranking, -1 where nothing is left."""
    newcomers: Hits
    """Of people of whom nothing was known, where the protocol judges them apart; else of nobody."""
    settings: Mapping[str, Any]
    fit_seconds: float
    score_seconds: float


@dataclass(frozen=True)
class Comparison:
    """Every method, ours first."""

    judgements: Sequence[Judgement]
    learned: Learned
    mode: Mode
    words: str
    """How the log was cut."""
    history: Ints
    """Purchases known of each judged customer."""
    buyers: Ints
    """(items,): customers who were known to have bought each."""
    people: int
    """Customers of whom anything was known, judged or not."""
    wanted: Ints
    """Item of each purchase that was to be foretold."""
    lists: Mapping[str, Exposed]
    """Of our model: lists as they would be published, with discovery and without."""
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
    with one_blas_thread():
        start = time.perf_counter()
        learned = teach(split.lessons, mode=split.mode, time_budget=time_budget, seed=seed, note=note)
        fitted = learned.model.fit(split.test.source, split.test.fits)
        seconds = time.perf_counter() - start
        mode = learned.model.mode
        scorer = Ours(fitted)
        ours = _judgement(MODEL, scorer, split, mode, {}, seconds, scorer.expose)
        ours = replace(ours, score_seconds=ours.score_seconds - scorer.list_seconds)
        note(f"{MODEL} judged")
        names = [name for name, (_, _, most) in BASELINES.items() if split.test.source.catalogue.size <= most]
        with ThreadPoolExecutor(2) as pool:
            others = list(pool.map(lambda name: _baseline(name, split, mode, note), names))
    history = np.concatenate([judged.block.purchases for judged in split.test.happened])
    buyers, people = buyers_of(split.test.source)
    wanted = np.concatenate([judged.items for judged in split.test.happened])
    lists = {name: joined(parts) for name, parts in scorer.exposed.items()}
    return Comparison(
        [ours, *others], learned, mode, split.words, history, buyers, people, wanted, lists, _peak_megabytes()
    )


def _baseline(name: str, split: Split, mode: Mode, note: Callable[[str], None]) -> Judgement:
    kind, grid, _ = BASELINES[name]
    start = time.perf_counter()
    lesson, before = split.lessons[-1], kind.count(split.lessons[-1].source)
    tried = [(_recall(_fitted(kind, one, before), lesson, mode), one) for one in grid]
    best = max(tried, key=lambda pair: pair[0])[1]
    del before  # as large as all pairs of items
    fitted = _fitted(kind, best, kind.count(split.test.source))
    judged = _judgement(name, fitted, split, mode, best, time.perf_counter() - start)
    note(f"{name} judged")
    return judged


def _recall(fitted: Baseline, lesson: Lesson, mode: Mode) -> float:
    return float(rank_all(fitted, lesson.happened, mode)[0].recall(SHOWN).mean())


def _fitted(kind: type[Any], settings: Mapping[str, Any], counted: Any) -> Baseline:
    baseline: Baseline = kind(**settings)
    baseline.fit(counted)
    return baseline


def _judgement(
    name: str, scorer: Scorer, split: Split, mode: Mode, settings: Mapping[str, Any], fit_seconds: float,
    then: Callable[[Judged], None] = lambda _: None,
) -> Judgement:  # fmt: skip
    start = time.perf_counter()
    ranked = rank_all(scorer, split.test.happened, mode, then)
    seconds = time.perf_counter() - start
    newcomers = rank_all(scorer, split.newcomers, mode)[0]
    return Judgement(name, *ranked, newcomers, settings, fit_seconds, seconds)


def _peak_megabytes() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
