"""What goes with an item: ``ml.item_neighbours``, for product pages and baskets of people nobody knows.

Belongs here: neighbours of items by kind, and the file's columns. Does not belong here: counting (``copurchase``).

Three kinds: what one person bought on the day on which they bought it (``bought_together``); what people looked at on
the day on which they looked at it (``viewed_together``), all there is in a shop without orders; what they looked at in
its place: of its category, viewed together and bought together less often than by chance (``substitute``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ml.recommender.block import Catalogue, Flags, Source
from ml.recommender.copurchase import CoPurchases, co_purchases
from ml.recommender.sparse import Floats, Ints, at, cells, places

if TYPE_CHECKING:
    import pyarrow as pa

NEIGHBOURS = 20
LEAST_SUPPORT = 2
"""What stood together in one basket only says something of that basket's owner, nothing of the items."""
TRUSTED_SUPPORT = 5.0
"""Baskets at which a similarity counts half of its value."""
PLACES = 6
CELLS = 1_000_000
"""Pairs that are looked at side by side."""
BOUGHT_TOGETHER, VIEWED_TOGETHER, SUBSTITUTE = ORDER = "bought_together", "viewed_together", "substitute"


def schema() -> pa.Schema:
    """Columns of ``ml.item_neighbours`` in order."""
    import pyarrow as pa

    return pa.schema(
        [
            ("as_of_date", pa.date32()), ("product_id", pa.string()), ("rank", pa.int32()),
            ("neighbour_product_id", pa.string()), ("kind", pa.string()), ("support", pa.int64()),
            ("lift", pa.float64()), ("score", pa.float64()),
        ]
    )  # fmt: skip


@dataclass(frozen=True)
class _Kind:
    """Pairs of one kind, not cut yet."""

    name: str
    rows: Ints
    items: Ints
    support: Ints
    lift: Floats
    score: Floats

    def only(self, kept: Flags, name: str | None = None, weight: Floats | None = None) -> _Kind:
        score = self.score if weight is None else (self.score * weight).round(PLACES)
        return _Kind(
            name or self.name, self.rows[kept], self.items[kept], self.support[kept], self.lift[kept], score[kept]
        )


def neighbours(world: Source, as_of: date) -> pa.Table:
    """The best of each kind with each item that is available and goes with it more often than by chance; ranks go on
    from kind to kind.

    Sensitive items neither have neighbours nor are one: the table is not bound to a customer who permitted it. The
    score is the cosine of two items' baskets, decayed by age, times ``support / (support + TRUSTED_SUPPORT)``; that of
    a substitute is the score of its views times how far its lift in baskets stays below 1.
    """
    import pyarrow as pa

    if not world.catalogue.size:
        return schema().empty_table()
    kinds = _kinds(world)
    best = [kind for items in _spans(world.catalogue, kinds) for kind in _of(items, world.catalogue, kinds)]
    joined = {
        name: np.concatenate([getattr(kind, name) for kind in best])
        for name in ("rows", "items", "support", "lift", "score")
    }
    number = np.repeat([ORDER.index(kind.name) for kind in best], [len(kind.rows) for kind in best])
    order = np.lexsort((joined["items"], -joined["score"], number, joined["rows"]))
    rows, items = joined["rows"][order], joined["items"][order]
    columns = {
        "as_of_date": [as_of] * len(rows),
        "product_id": world.catalogue.product_ids[rows],
        "rank": places(rows) + 1,
        "neighbour_product_id": world.catalogue.product_ids[items],
        "kind": np.array(ORDER, object)[number[order]],
        "support": joined["support"][order],
        "lift": joined["lift"][order],
        "score": joined["score"][order],
    }
    return pa.table({f.name: pa.array(columns[f.name], type=f.type) for f in schema()}, schema=schema())


def _kinds(world: Source) -> dict[str, CoPurchases]:
    if not world.has_orders:  # what people look at stands for what they buy
        return {VIEWED_TOGETHER: co_purchases(world, "basket", with_support=True)}
    acts = {BOUGHT_TOGETHER: "lines", VIEWED_TOGETHER: "views"}
    return {name: co_purchases(world, "basket", with_support=True, act=act) for name, act in acts.items()}


def _spans(catalogue: Catalogue, kinds: dict[str, CoPurchases]) -> list[slice]:
    """Runs of items with about ``CELLS`` pairs each."""
    pairs = sum(counted.together.indptr[1:].astype(np.int64) for counted in kinds.values())
    ends = [*(np.flatnonzero(np.diff(pairs // CELLS, prepend=0)) + 1).tolist(), catalogue.size]
    return [slice(start, stop) for start, stop in pairwise([0, *ends]) if start < stop]


def _of(items: slice, catalogue: Catalogue, kinds: dict[str, CoPurchases]) -> list[_Kind]:
    """The best of each kind with each of some items."""
    found = [_together(name, counted, items) for name, counted in kinds.items()]
    if BOUGHT_TOGETHER in kinds:
        found.append(_substitutes(catalogue, found[-1], kinds[BOUGHT_TOGETHER], items))
    return [_best(catalogue, kind) for kind in found]


def _together(name: str, counted: CoPurchases, of: slice) -> _Kind:
    """All pairs of some items that stood together often enough."""
    own, items, together = cells(counted.together[of])
    rows, support = own + of.start, at(counted.support[of], own, items)
    cosine = together / np.sqrt(counted.counts[rows] * counted.counts[items].astype(float))
    score = (cosine * support / (support + TRUSTED_SUPPORT)).round(PLACES)
    lift = counted.lift(rows, items, support).round(PLACES)
    return _Kind(name, rows, items, support, lift, score).only((support >= LEAST_SUPPORT) & (score > 0))


def _substitutes(catalogue: Catalogue, viewed: _Kind, bought: CoPurchases, of: slice) -> _Kind:
    """Of what was viewed together: of one category, and bought together less often than by chance, be it once."""
    category, rows, items = catalogue.categories[0], viewed.rows, viewed.items
    lift = bought.lift(rows, items, at(bought.support[of], rows - of.start, items)).round(PLACES)
    alike = (category[rows] >= 0) & (category[rows] == category[items]) & (lift < 1)
    return viewed.only(alike, SUBSTITUTE, 1 - lift)


def _best(catalogue: Catalogue, kind: _Kind) -> _Kind:
    """The ``NEIGHBOURS`` highest of each item that may be shown to anybody."""
    hidden = catalogue.is_sensitive
    shown = catalogue.is_available[kind.items] & ~hidden[kind.items] & ~hidden[kind.rows]
    shown &= (kind.score > 0) & (kind.lift > 1)
    kind = kind.only(shown)
    order = np.lexsort((kind.items, -kind.score, kind.rows))
    kept = np.zeros(len(order), bool)
    kept[order[places(kind.rows[order]) < NEIGHBOURS]] = True
    return kind.only(kept)


def write_neighbours(world: Source, as_of: date, path: Path) -> int:
    """Write the table by one rename; returns its rows."""
    import pyarrow.parquet as pq

    table = neighbours(world, as_of)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    pq.write_table(table, draft, compression="zstd")
    draft.replace(path)
    return int(table.num_rows)
