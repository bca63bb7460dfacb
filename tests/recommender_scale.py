"""A large shop made up block by block, for measuring how fast lists are made and in how much memory.

Belongs here: the shop, and one measurement in a process of its own. Does not belong here: what is promised (``bench``).

Usage: ``python tests/recommender_scale.py CUSTOMERS ITEMS`` prints figures as JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import ClassVar

import numpy as np
import threadpoolctl

from ml.recommender.block import ACTS, Block, Catalogue
from ml.recommender.evaluation.compare import MODEL
from ml.recommender.lessons import Judged, Lesson, teach
from ml.recommender.lists import Shape
from ml.recommender.recommend import ListPlan, write_lists
from ml.recommender.sparse import matrix

EACH, KINDS, OWN_KINDS, BLOCK = 30, 200, 3, 10_000
"""Purchases of a customer; categories, and how many of them a customer buys from; customers of a block."""


class LargeShop:
    """Customers with a few favourite categories, items by popularity within; every block is drawn anew when read."""

    segments: ClassVar[list[str]] = ["DE/many orders"]
    statements: ClassVar[list[tuple[str, str]]] = []
    has_orders = has_rules = True

    def __init__(self, customers: int, items: int) -> None:
        self.customers = customers
        kind = np.arange(items) % KINDS
        self.catalogue = Catalogue(
            product_ids=np.array([f"p{n:06}" for n in range(items)], object),
            names=np.array([f"Item {n}" for n in range(items)], object),
            category_paths=np.array([f"Kind {n:03}" for n in kind], object),
            brands=np.full(items, None, object),
            prices=np.full(items, np.nan),
            is_available=np.arange(items) % 25 != 0,
            is_sensitive=np.zeros(items, bool),
        )
        self.each = items // KINDS

    def blocks(self, *, profiled: bool = True) -> Iterator[Block]:  # noqa: ARG002
        for start in range(0, self.customers, BLOCK):
            yield self.block(start, min(start + BLOCK, self.customers))

    def block(self, start: int, stop: int) -> Block:
        """Customers by number."""
        n, rng = stop - start, np.random.default_rng(start)
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


def lesson(shop: LargeShop, customers: int) -> Lesson:
    """The newest basket of some customers, to be foretold from what they bought before."""
    block = shop.block(0, customers)
    last = block.steps == 0
    before = {name: getattr(block, name)[~last] for name in ("rows", *ACTS)}
    known = replace(block, **{**before, "steps": before["steps"] - 1})
    pairs = np.unique(block.rows[last] * block.width + block.items[last])
    return Lesson(shop, [Judged(known, pairs // block.width, pairs % block.width)])


def measure(customers: int, items: int) -> dict[str, object]:
    """Train, then make everybody's list of ten after the rules."""
    shop = LargeShop(customers, items)
    with threadpoolctl.threadpool_limits(1, user_api="blas"), tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        learned = teach([lesson(shop, BLOCK)])
        taught = time.perf_counter()
        fitted = learned.model.fit(shop)
        ready = time.perf_counter()
        plan = ListPlan(date(2025, 7, 1), "large", Shape(10, 1, as_of="2025-07-01"))
        summary = write_lists(fitted, MODEL, plan, Path(folder) / "lists.parquet")
        seconds = time.perf_counter() - ready
    return {
        "customers": customers, "items": items, "generators": list(learned.model.generators), "rows": summary.rows,
        "teach_seconds": round(taught - start, 1), "fit_seconds": round(ready - taught, 1),
        "list_seconds": round(seconds, 1), "customers_per_second": round(customers / seconds),
        "peak_megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))) + "\n")
