"""Lists for everybody, streamed to a file: ``ml.recommendations``.

Belongs here: going through the blocks, words and ids of rows, the file's columns. Does not belong here: which item
stands where (``lists``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from hashlib import md5
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ml.parallel import in_order, one_blas_thread
from ml.recommender.block import Block, Source, Texts
from ml.recommender.lists import Lists, Shape, generic_lists, make_lists
from ml.recommender.model import SIDE_BY_SIDE, Fitted, RecommenderModel
from ml.recommender.sparse import Csr, Ints, at

if TYPE_CHECKING:
    import pyarrow as pa

PLACES = 6
PERSONALISED, GENERIC = "personalised", "generic"
POPULARITY, DISCOVERY = "popularity", "discovery"
POPULAR_NOW, IN_THE_RANGE = "Popular right now", "From our range"
"""Words of what is in no list for the customer's own sake: bought a lot lately, or not at all."""
SAID, INFERRED = "stated", ("category_popularity", "segment_popularity")
"""What the customer said speaks before what was inferred about them, where both propose an item."""


@dataclass(frozen=True)
class ListPlan:
    """What the caller decides."""

    as_of: date
    shop: str
    shape: Shape = field(default_factory=Shape)


@dataclass(frozen=True)
class ListSummary:
    """What was written."""

    rows: int
    customers: dict[str, int]
    """By arm."""
    sources: dict[str, int]
    fallback_rows: int


def schema() -> pa.Schema:
    """Columns of ``ml.recommendations`` in order."""
    import pyarrow as pa

    return pa.schema(
        [
            ("as_of_date", pa.date32()), ("customer_id", pa.string()), ("rank", pa.int32()),
            ("recommendation_id", pa.string()), ("arm", pa.string()), ("product_id", pa.string()),
            ("score", pa.float64()), ("source", pa.string()), ("reason", pa.string()),
            ("propensity", pa.float64()), ("is_fallback", pa.bool_()), ("model_version", pa.string()),
        ]
    )  # fmt: skip


def recommend(world: Source, model: RecommenderModel, version: str, plan: ListPlan, path: Path) -> ListSummary:
    """Fit the model to what is known and write everybody's list. A shop without items gets a file without rows."""
    with one_blas_thread():  # more would change bits
        return write_lists(model.fit(world) if world.catalogue.size else None, version, plan, path)


def write_lists(fitted: Fitted | None, version: str, plan: ListPlan, path: Path) -> ListSummary:
    """Write lists by one rename, blocks side by side; memory does not grow with the number of customers."""
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    sources: Counter[str] = Counter()
    people: Counter[str] = Counter()
    fallback = rows = 0
    with pq.ParquetWriter(draft, schema(), compression="zstd") as writer:
        for table in _tables(fitted, version, plan) if fitted else ():
            writer.write_table(table)
            rows += table.num_rows
            fallback += int(np.count_nonzero(table["is_fallback"].to_numpy()))
            sources.update(table["source"].to_pylist())
            firsts = table["rank"].to_numpy() == 1
            people.update(table["arm"].to_numpy(zero_copy_only=False)[firsts].tolist())
    draft.replace(path)
    return ListSummary(rows, dict(sorted(people.items())), dict(sorted(sources.items())), fallback)


def _tables(fitted: Fitted, version: str, plan: ListPlan) -> Iterator[pa.Table]:
    """Rows of each block in the order of blocks."""
    return in_order(partial(_block_rows, fitted, version, plan), fitted.source.blocks(profiled=False), SIDE_BY_SIDE)


def _block_rows(fitted: Fitted, version: str, plan: ListPlan, block: Block) -> pa.Table:
    import pyarrow as pa

    personal = np.flatnonzero(block.may_personalise)
    generic = np.flatnonzero(~block.may_personalise)
    own = block.only(personal)
    case = fitted.case(own)
    proposals = fitted.propose(case)
    scores = fitted.scores(case, proposals)
    lists = make_lists(scores, case, fitted.popularity, plan.shape)
    source, reason = _told(fitted, own, proposals, lists)
    same = generic_lists(fitted.case(block.only(generic)), fitted.popularity, plan.shape.length)
    whose = np.concatenate([personal[lists.rows], generic[same.rows]])
    place = np.concatenate([lists.places, same.places])
    order = np.lexsort((place, whose))
    whose, rank = whose[order], place[order] + 1
    items = np.concatenate([lists.items, same.items])[order]
    customers, products = (
        pa.array(texts, pa.string()) for texts in (block.customers, fitted.source.catalogue.product_ids)
    )
    columns = {
        "as_of_date": pa.repeat(pa.scalar(plan.as_of), len(order)),
        "customer_id": customers.take(pa.array(whose)),
        "rank": rank,
        "recommendation_id": _ids(plan, block.customers, products.take(pa.array(items)), whose, rank),
        "arm": np.repeat(np.array([PERSONALISED, GENERIC], object), [len(lists), len(same)])[order],
        "product_id": products.take(pa.array(items)),
        "score": np.concatenate([lists.scores, same.scores]).round(PLACES)[order],
        "source": np.concatenate([source, np.full(len(same), POPULARITY, object)])[order],
        "reason": np.concatenate([reason, _of_all(fitted, same.items)])[order],
        "propensity": np.concatenate([lists.propensities, same.propensities]).round(PLACES)[order],
        "is_fallback": np.concatenate([lists.is_fallback, same.is_fallback])[order],
        "model_version": pa.repeat(version, len(order)),
    }
    return pa.table({f.name: pa.array(columns[f.name], type=f.type) for f in schema()}, schema=schema())


def _told(fitted: Fitted, block: Block, proposals: list[Csr], lists: Lists) -> tuple[Texts, Texts]:
    """Source and words of each row: those of the generator that adds most to its score."""
    shares = np.column_stack([at(proposal, lists.rows, lists.items) for proposal in proposals])
    parts = fitted.model.counts(block, lists.rows, lists.items) * shares
    best = parts.argmax(axis=1) if len(lists) else np.empty(0, np.int64)
    names = [generator.name for generator in fitted.generators]
    if SAID in names:
        inferred, said = [names.index(name) for name in INFERRED if name in names], names.index(SAID)
        best = np.where(np.isin(best, inferred) & (parts[:, said] > 0), said, best)
    source = np.full(len(lists), POPULARITY, dtype=object)
    reason = _of_all(fitted, lists.items)
    for number, generator in enumerate(fitted.generators):
        mine = np.flatnonzero((best == number) & ~lists.is_fallback)
        source[mine] = generator.name
        reason[mine] = generator.explain(block, lists.rows[mine], lists.items[mine])
    found = np.flatnonzero(lists.is_discovery)
    looked_at = at(block.spread(block.views + block.carts), lists.rows[found], lists.items[found]) > 0
    source[found] = DISCOVERY
    words = np.where(looked_at, "You looked at ", "New to you: ").astype(object)
    reason[found] = words + fitted.source.catalogue.label(lists.items[found])
    return source, reason


def _of_all(fitted: Fitted, items: Ints) -> Texts:
    """Words of rows that nothing about the customer speaks for."""
    return np.where(fitted.popularity.overall[items] > 0, POPULAR_NOW, IN_THE_RANGE).astype(object)


def _ids(plan: ListPlan, customers: Texts, products: pa.StringArray, whose: Ints, rank: Ints) -> pa.StringArray:
    """What an impression or a click names: the same for the same list of the same as-of, whenever it is made.

    The list and the place in it; rows stand by customer and rank.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    first = np.flatnonzero(rank == 1)
    held = pc.binary_join(pa.ListArray.from_arrays(pa.array(np.append(first, len(rank)), pa.int32()), products), "|")
    start = f"{plan.shop}|{plan.as_of}|"
    lists = [
        md5(f"{start}{customer}|{items}".encode(), usedforsecurity=False).hexdigest()[:18]
        for customer, items in zip(customers[whose[first]], held.to_pylist(), strict=True)
    ]
    named = pa.array(lists, pa.string()).take(pa.array(np.cumsum(rank == 1) - 1))
    places = pc.utf8_lpad(pa.array(rank).cast(pa.string()), 2, "0")
    return pc.binary_join_element_wise("r_", named, places, "")
