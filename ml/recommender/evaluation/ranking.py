"""Scores of all items become ranks of what was to be foretold, and the first places of each customer.

Belongs here: what is the same for our model and every baseline. Does not belong here: scores (``ours``,
``baselines``), metrics (``measures``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ml.recommender.block import Block
from ml.recommender.lessons import Judged
from ml.recommender.metrics import Hits, mean_ranks, ranks_without
from ml.recommender.rules import Mode
from ml.recommender.sparse import Floats, Ints

CELLS = 4_000_000
"""Customers times items that are ranked at once."""
SHOWN = 10


class Scorer(Protocol):
    """Whatever can tell items apart."""

    def scores(self, block: Block) -> Floats:
        """(customers, items): more is better."""


def rank_all(
    scorer: Scorer, happened: Sequence[Judged], mode: Mode, then: Callable[[Judged], None] = lambda _: None
) -> tuple[Hits, Hits, Ints]:
    """Mean ranks of all that was to be foretold, the same among what each customer has not had, and the first ``SHOWN``
    places; what the mode hides comes last, and is in no place: -1 where nothing else is left.

    Parameters
    ----------
    then
        Told of the customers who were just scored.
    """
    rows, repeats, shown, before = [np.empty(0, np.int64)], [np.empty(0, bool)], [], 0
    ranks, new_ranks = [np.empty(0)], [np.empty(0)]
    for judged in happened:
        for part in _parts(judged):
            scores = scorer.scores(part.block)
            known, new = part.block.bought, ~part.is_repeat
            if mode == "discovery":
                scores.ravel()[known.keys] = -np.inf
            ranks.append(mean_ranks(scores, part.rows, part.items))
            new_ranks.append(np.full(len(new), np.inf))
            new_ranks[-1][new] = ranks_without(known, ranks[-1][new], scores, part.rows[new], part.items[new])
            if mode == "discovery":
                ranks[-1][~new] = np.inf
            shown.append(_first_places(scores))
            rows.append(part.rows + before)
            repeats.append(~new)
            before += len(part.block)
            then(part)
    of, is_repeat = np.concatenate(rows), np.concatenate(repeats)
    hits, among_new = (Hits(before, of, is_repeat, np.concatenate(found)) for found in (ranks, new_ranks))
    return hits, among_new, np.concatenate(shown) if shown else np.empty((0, SHOWN), np.int64)


def _parts(judged: Judged) -> Iterator[Judged]:
    """Few enough customers at a time that all items of each fit into memory."""
    step = max(CELLS // max(judged.block.width, 1), 1)
    for start in range(0, len(judged.block), step):
        yield judged.only(np.arange(start, min(start + step, len(judged.block))))


def _first_places(scores: Floats) -> Ints:
    count = min(SHOWN, scores.shape[1])
    best = np.argpartition(-scores, count - 1, axis=1)[:, :count] if count < scores.shape[1] else np.argsort(-scores)
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
    out: NDArray[np.int64] = np.take_along_axis(best, order, axis=1).astype(np.int64)
    out[np.isneginf(np.take_along_axis(scores, out, axis=1))] = -1
    return out
