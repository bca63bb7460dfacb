"""A large shop made up block by block, for measuring how fast lists are made and in how much memory.

Belongs here: the shop, and one measurement in a process of its own. Does not belong here: what is promised (``bench``).

Usage: ``python tests/recommender_scale.py STAGE CUSTOMERS ITEMS FOLDER`` prints figures as JSON. Stages, each a process
of its own: ``teach`` keeps a model in the folder; ``parts`` times one block of customers step by step; ``lists`` makes
everybody's list.
"""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import ClassVar

import numpy as np
import threadpoolctl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ml.recommender.block import ACTS, Block, Catalogue, Statement
from ml.recommender.evaluation.compare import MODEL
from ml.recommender.generators.factors import Factors
from ml.recommender.lessons import Judged, Lesson, teach
from ml.recommender.lists import Shape, make_lists
from ml.recommender.model import RecommenderModel
from ml.recommender.recommend import ListPlan, write_lists
from ml.recommender.sparse import matrix

EACH, KINDS, OWN_KINDS, BLOCK = 30, 200, 3, 10_000
"""Purchases of a customer; categories, and how many of them a customer buys from; customers of a block."""


class LargeShop:
    """Customers with a few favourite categories, items by popularity within; a block is drawn once and kept on disk."""

    segments: ClassVar[list[str]] = ["DE/many orders"]
    statements: ClassVar[list[Statement]] = []
    has_orders = has_rules = True

    def __init__(self, customers: int, items: int, folder: Path) -> None:
        self.customers, self.folder = customers, folder / "purchases"
        self.folder.mkdir(exist_ok=True)
        kind = np.arange(items) % KINDS
        self.catalogue = Catalogue(
            product_ids=np.array([f"p{n:06}" for n in range(items)], object),
            names=np.array([f"Item {n}" for n in range(items)], object),
            category_paths=np.array([f"Kind {n:03}" for n in kind], object),
            brands=np.full(items, None, object),
            prices=np.full(items, np.nan),
            is_available=np.arange(items) % 25 != 0,
            is_sensitive=np.zeros(items, bool),
            launch_ages=np.full(items, np.nan),
        )
        self.each = items // KINDS

    def blocks(self, *, profiled: bool = True) -> Iterator[Block]:  # noqa: ARG002
        for start in range(0, self.customers, BLOCK):
            yield self.block(start, min(start + BLOCK, self.customers))

    def block(self, start: int, stop: int) -> Block:
        """Customers by number."""
        n, kept = stop - start, self.folder / f"{start}_{stop}.npy"
        if not kept.exists():
            draft = kept.with_suffix(f".{threading.get_ident()}.npy")  # generators are fitted side by side
            np.save(draft, self._drawn(start, n))
            draft.replace(kept)
        rows, items, ages, steps = np.load(kept).astype(np.int64)
        nothing = np.zeros(len(rows), np.int64)
        empty = matrix(np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64), (n, 0))
        return Block(
            customers=np.array([f"c{number:08}" for number in range(start, stop)], object),
            segments=np.zeros(n, np.int64), may_personalise=np.ones(n, bool), may_see_sensitive=np.zeros(n, bool),
            rows=rows, items=items, ages=ages, steps=steps, lines=np.ones(len(rows), np.int64),
            views=nothing, carts=nothing, removals=nothing, stated=empty,
            statement_items=matrix(np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64), (0, self.catalogue.size)),
            width=self.catalogue.size,
        )  # fmt: skip

    def _drawn(self, start: int, n: int) -> NDArray[np.int32]:
        """Row, item, age and steps of each purchase of ``n`` customers, (4, purchases)."""
        rng = np.random.default_rng(start)
        kinds = rng.integers(0, KINDS, (n, OWN_KINDS))
        chosen = kinds[np.arange(n)[:, None], rng.integers(0, OWN_KINDS, (n, EACH))]
        place = np.minimum((rng.pareto(0.8, (n, EACH)) * 2).astype(np.int64), self.each - 1)
        items = (place * KINDS + chosen).ravel()
        rows, ages = np.repeat(np.arange(n), EACH), rng.integers(1, 365, n * EACH)
        order = np.lexsort((ages, items, rows))
        rows, items, ages = rows[order], items[order], ages[order]
        by_age = np.lexsort((ages, rows))
        new = np.append(True, (rows[by_age][1:] != rows[by_age][:-1]) | (ages[by_age][1:] != ages[by_age][:-1]))
        count = np.cumsum(new) - 1
        first = np.append(True, rows[by_age][1:] != rows[by_age][:-1])
        steps = np.empty(len(rows), np.int64)
        steps[by_age] = count - np.repeat(count[first], EACH)
        return np.stack([rows, items, ages, steps]).astype(np.int32)


def lesson(shop: LargeShop, customers: int) -> Lesson:
    """The newest basket of some customers, to be foretold from what they bought before."""
    block = shop.block(0, customers)
    last = block.steps == 0
    before = {name: getattr(block, name)[~last] for name in ("rows", *ACTS)}
    known = replace(block, **{**before, "steps": before["steps"] - 1})
    pairs = np.unique(block.rows[last] * block.width + block.items[last])
    return Lesson(shop, [Judged(known, pairs // block.width, pairs % block.width)])


def teach_stage(shop: LargeShop, folder: Path) -> dict[str, object]:
    """Learn weights and a ranker from the newest baskets of one block, and keep the model."""
    start = time.perf_counter()
    learned = teach([lesson(shop, min(BLOCK, shop.customers))])
    learned.model.save(folder / "model")
    return {"generators": list(learned.model.generators), "teach_seconds": round(time.perf_counter() - start, 1)}


def parts_stage(shop: LargeShop, folder: Path) -> dict[str, object]:
    """Processor seconds for the lists of one block, part by part; the second time, when everything is compiled."""
    fitted = RecommenderModel.load(folder / "model").fit(shop)
    block = shop.block(0, min(BLOCK, shop.customers))
    for _ in range(2):
        spent: dict[str, float] = {}
        case = fitted.case(block)
        for one in fitted.generators:
            with timed(spent, one.name):
                one.score(block, case.barred)
        with timed(spent, "generators and rules"):
            proposals = fitted.propose(case)
        with timed(spent, "candidates"):
            found = fitted.candidates(case, proposals)
        with timed(spent, "ranker"):
            scores = fitted.model.ranker.scores(found, (len(block), block.width)) if fitted.model.ranker else None
        if scores is not None and fitted.model.new_items:
            with timed(spent, "new items"):
                scores = fitted.model.new_items.shared_out(scores, block, fitted.context, proposals)
        with timed(spent, "cut"):
            make_lists(scores if scores is not None else fitted.scores(case, proposals), case, fitted.popularity,
                       plan().shape)  # fmt: skip
    return {"block": len(block), "seconds": spent}


@contextmanager
def timed(spent: dict[str, float], name: str) -> Iterator[None]:
    """Note what it took of the processor, which does not depend on who else works on the machine."""
    start = time.process_time()
    yield
    spent[name] = round(time.process_time() - start, 2)


def lists_stage(shop: LargeShop, folder: Path) -> dict[str, object]:
    """Fit, then make everybody's list of ten after the rules; beside it the ten of highest product of bare factors, by
    implicit where it is installed, else by BLAS."""
    start = time.perf_counter()
    fitted = RecommenderModel.load(folder / "model").fit(shop)
    ready = time.perf_counter()
    summary = write_lists(fitted, MODEL, plan(), folder / "lists.parquet")
    seconds = time.perf_counter() - ready
    return {
        "rows": summary.rows, "fit_seconds": round(ready - start, 1), "list_seconds": round(seconds, 1),
        "customers_per_second": round(shop.customers / seconds),
        **bare(shop),
    }  # fmt: skip


def plan() -> ListPlan:
    """Ten places, one of them discovery."""
    return ListPlan(date(2025, 7, 1), "large", Shape(10, 1, as_of="2025-07-01"))


def bare(shop: LargeShop) -> dict[str, object]:
    """How fast factors alone give ten items to some customers, no rule and no reason; how fast does not depend on what
    the factors say, so that they are drawn."""
    block, rng = shop.block(0, min(BLOCK, shop.customers)), np.random.default_rng(0)
    mine, items = (rng.standard_normal((n, Factors().dimensions)).astype(np.float32) for n in (len(block), block.width))
    try:
        from implicit.cpu.als import AlternatingLeastSquares
    except ImportError:
        start = time.perf_counter()
        for first in range(0, len(mine), 1_000):
            np.argpartition(-(mine[first : first + 1_000] @ items.T), 10, axis=1)[:, :10]
        name, seconds = "blas", time.perf_counter() - start
    else:
        model = AlternatingLeastSquares(factors=mine.shape[1], num_threads=2)
        model.item_factors, model.user_factors = items, mine
        own = csr_matrix(block.bought_matrix)
        start = time.perf_counter()
        model.recommend(np.arange(len(mine)), own, N=10, filter_already_liked_items=False)
        name, seconds = "implicit", time.perf_counter() - start
    return {"bare_factors_by": name, "bare_customers_per_second": round(len(mine) / seconds)}


def measure(stage: str, customers: int, items: int, folder: Path) -> dict[str, object]:
    """One stage of a shop of that size."""
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        found = STAGES[stage](LargeShop(customers, items, folder), folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"stage": stage, "customers": customers, "items": items, **found, "peak_megabytes": round(peak)}


STAGES = {"teach": teach_stage, "parts": parts_stage, "lists": lists_stage}


if __name__ == "__main__":
    told = measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
    sys.stdout.write(json.dumps(told) + "\n")
