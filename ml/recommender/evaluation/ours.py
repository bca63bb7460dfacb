"""Our model as one of those that are compared: a score for every item, and the lists that it would publish.

Belongs here: putting both together from one pass of scoring. Does not belong here: judging them (``compare``).
"""

from __future__ import annotations

import time

import numpy as np

from ml.recommender.block import Block
from ml.recommender.exposure import Exposed, expose, shapes
from ml.recommender.lessons import Judged
from ml.recommender.lists import Shape
from ml.recommender.model import Fitted
from ml.recommender.rules import Case
from ml.recommender.sparse import Csr, Floats

LISTS = Shape(10, 2)
"""A fifth of discovery."""


class Ours:
    """What the ranker says of its candidates, then the blend, then what is popular."""

    def __init__(self, fitted: Fitted) -> None:
        self.fitted = fitted
        self.exposed: dict[str, list[Exposed]] = {name: [] for name in shapes(LISTS)}
        self.list_seconds = 0.0
        self._last: tuple[Case, Csr] | None = None

    def scores(self, block: Block) -> Floats:
        """(customers, items)"""
        case = self.fitted.case(block)
        proposals = self.fitted.propose(case)
        blended = self.fitted.model.blend.scores(proposals, block.purchases).toarray()
        best = self.fitted.scores(case, proposals)
        ranked = best.toarray()
        out = blended + self.fitted.popularity.overall[None, :] * 1e-9
        out[ranked > 0] = 1 + ranked[ranked > 0]
        self._last = case, best
        return np.asarray(out)

    def expose(self, judged: Judged) -> None:
        """Make the lists of those who were just scored."""
        assert self._last, "they are scored first"
        start = time.perf_counter()
        case, best = self._last
        for name, shape in shapes(LISTS).items():
            self.exposed[name].append(expose(best, case, judged, self.fitted.popularity, shape))
        self.list_seconds += time.perf_counter() - start
